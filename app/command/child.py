"""Runs a program to its end as if it had been started in our place: its signals, its exit status. It starts no server."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

import click

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
FROM_THE_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
# What shells answer with for a program that is not there, or cannot be run.
NOT_FOUND, NOT_EXECUTABLE = 127, 126
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def run_to_its_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command in our own process group, pass signals on, and return its exit status, 128+n for a signal.

    Should we be killed, Linux ends it as well.
    """
    with _passing_on() as pass_to:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command
                command,
                env=environment,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - this process has one thread
            )
        except OSError as error:
            click.echo(f"tms-standin: {command[0]} cannot be run: {str(error.strerror).lower()}.", err=True)
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        pass_to(process)
        status = process.wait()
    return status if status >= 0 else 128 - status


class _Passing:
    """Handles signals: sends them to the process, at once or as soon as there is one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __call__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number in FROM_THE_KEYBOARD and _is_in_foreground()):
            self._process.send_signal(number)


@contextmanager
def _passing_on() -> Iterator[_Passing]:
    passing = _Passing()
    # What was ignored stays so, for the command too: nohup counts on that.
    ours = [number for number in PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, passing.handle) for number in ours}
    try:
        yield passing
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_foreground() -> bool:
    """Return whether the terminal has sent a key's signal to the command already, which is in our process group."""
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno() if sys.__stdin__ else 0) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a child does before it becomes the command, so that Linux ends it by SIGTERM when we are killed."""
    if sys.platform != "linux":
        return None
    # Found before the fork: a forked child should load nothing.
    control = ctypes.CDLL(None).prctl

    def ask() -> None:  # pragma: no cover - it runs between fork and exec, where nothing can be counted
        control(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)

    return ask
