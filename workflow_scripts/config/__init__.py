"""Typed config, run table, hyper-parameters."""
