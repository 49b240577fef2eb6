"""Errors that a person can act on, and the thin wrapper every command uses."""

import argparse
import sys
from collections.abc import Callable


class UserError(Exception):
    """Something the user can mend; the message names the file, the value and the fix."""


def run_command(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line, run `main`, and show a UserError as one sentence without a traceback."""
    try:
        main(parser.parse_args())
    except UserError as error:
        sys.exit(f"error: {error}")
