"""Synthetic text: prompts, requests, engines, flags, shards."""
