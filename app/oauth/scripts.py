"""The script that a device flow may play instead of the clock (issue 4): one step for each poll. It changes nothing.

Steps: "pending", "slow_down" (both may repeat: "pending*3"), "approve USER [SCOPE...]", "deny", "expire".
"""

from collections.abc import Iterable
from typing import NamedTuple


class Step(NamedTuple):
    """What one poll is answered: `action` is the step's first word, the rest belongs to "approve"."""

    action: str
    username: str = ""
    scope: str | None = None


def steps_of(script: Iterable[str]) -> list[Step]:
    """Return the steps one by one, repetitions written out."""
    return [step for text in script for step in _steps(text)]


def step_for(script: Iterable[str], polls: int) -> Step | None:
    """Return the step for the poll that follows `polls` earlier ones, or None when the script is over."""
    steps = steps_of(script)
    return steps[polls] if polls < len(steps) else None


def _steps(text: str) -> list[Step]:
    words = text.split()
    action, _, times = words[0].partition("*")
    if action != "approve":
        return [Step(action)] * int(times or 1)
    return [Step(action, words[1], " ".join(words[2:]) or None)]
