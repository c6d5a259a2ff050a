"""What a server has answered: the state in which each thing has to be found, and what was asked and never answered.

It knows neither requests nor databases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Thing = tuple[str, str]  # a kind, and the name by which it is found again
State = tuple[object, ...] | None  # None: it is not there
Things = Mapping[Thing, State]


@dataclass(eq=False)
class Change:
    """What one request would change, from the states before to those after it: all of it, or nothing."""

    before: dict[Thing, State]
    after: dict[Thing, State]


@dataclass
class Ledger:
    """The states that were answered, and the changes under way."""

    known: dict[Thing, State] = field(default_factory=dict)
    under_way: list[Change] = field(default_factory=list)
    answers: int = 0

    def asked(self, after: Things) -> Change:
        """Note what a request is about to change."""
        change = Change({thing: self.known.get(thing) for thing in after}, dict(after))
        self.under_way.append(change)
        return change

    def answered(self, change: Change, also: Things | None = None) -> None:
        """Note that a change was answered; `also` holds things whose names came with the answer."""
        self.under_way.remove(change)
        self.known |= {**change.after, **(also or {})}
        self.answers += 1

    def failures(self, found: Things) -> list[str]:
        """Return one sentence for everything that is not as it was answered, and for every half of a request."""
        doubtful = {thing for change in self.under_way for thing in change.after}
        wrong = [
            f"{_named(thing)} was answered as {_told(state)} and is {_told(found.get(thing))}"
            for thing, state in self.known.items()
            if thing not in doubtful and found.get(thing) != state
        ]
        return [*wrong, *(half for change in self.under_way for half in _half(change, found))]

    def settle(self, found: Things) -> tuple[int, int]:
        """Take over what has become of the changes under way; return how many had happened, and of how many."""
        happened = sum(_is(change.after, found) for change in self.under_way)
        asked = len(self.under_way)
        for change in self.under_way:
            self.known |= {thing: found.get(thing) for thing in change.after}
        self.under_way.clear()
        return happened, asked


def _half(change: Change, found: Things) -> list[str]:
    if _is(change.before, found) or _is(change.after, found):
        return []
    states = ", ".join(f"{_named(thing)} is {_told(found.get(thing))}" for thing in change.after)
    return [f"a request without an answer has happened by half: {states}"]


def _is(states: Things, found: Things) -> bool:
    return all(found.get(thing) == state for thing, state in states.items())


def _named(thing: Thing) -> str:
    return f"{thing[0]} {thing[1]}"


def _told(state: State) -> str:
    return "not there" if state is None else " ".join(map(str, state)) or "there"
