"""Generators trained by reinforcement: GRPO with rewards for what they write (arXiv 2605.17849)."""
