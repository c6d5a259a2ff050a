"""`python -m app`: the command line, which without a command serves. It does nothing itself."""

from .command import console, main

__all__ = ("main",)

if __name__ == "__main__":
    console()
