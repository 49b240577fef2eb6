"""One progress bar for long work: rate, ETA, quiet in log files."""

import sys

from tqdm import tqdm


def progress(total: int, description: str, unit: str) -> tqdm:
    """Bar with rate and ETA; writes a line every 10 s where the output is a log file."""
    interval = 0.5 if sys.stderr.isatty() else 10.0
    return tqdm(total=total, desc=description, unit=unit, unit_scale=True, mininterval=interval, maxinterval=interval)
