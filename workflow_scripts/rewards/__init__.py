"""Rewards: how good a rewritten text is, each a number in its own unit (arXiv 2605.17849)."""
