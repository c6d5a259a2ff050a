"""The command `tms-standin`, also `python -m app`. Here it is only called; line.py names what it can do."""

import gc
import sys
from typing import NoReturn


def console() -> NoReturn:
    """Run the command line of this process and end it with the command's exit status."""
    # What a start imports and makes stays; looking through it for garbage again and again is a tenth of the start's time.
    gc.disable()
    sys.exit(main())


def main(arguments: list[str] | None = None) -> int:
    """Run a command line, that of the process unless given; return the exit status.

    A refusal is one sentence on standard error and status 2.
    """
    from .line import run

    return run(arguments)
