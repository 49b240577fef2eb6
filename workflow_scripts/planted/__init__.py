"""Losses drawn from a known law, so that the whole analysis can be seen to find it again."""
