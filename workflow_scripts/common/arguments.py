"""Forms of command-line values that several commands share."""

import argparse


def named_prefix(text: str) -> tuple[str, str]:
    """Name and prefix of NAME=PREFIX. Raises ArgumentTypeError for anything else."""
    name, _, prefix = text.partition("=")
    if not (name and prefix):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PREFIX")
    return name, prefix
