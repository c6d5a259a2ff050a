"""Fault rules (design 2.7): what goes wrong on purpose, for which requests. Nothing is loaded before a rule is set."""

from ..parts import Parts
from ..steering.front import Front
from ..steering.state import State


def follow(parts: Parts, front: Front) -> None:
    """Have the rules obeyed that are set from now on, by whichever process on this database."""
    before: State = parts.steering.state

    def apply(state: State) -> None:
        nonlocal before
        changed, before = state.faults != before.faults, state
        if not changed:
            return
        from .hook import Faults

        if isinstance(front.faults, Faults):
            front.faults.end()
        front.faults = None if state.faults is None else Faults(parts, state.faults)

    parts.steering.listen(apply)
