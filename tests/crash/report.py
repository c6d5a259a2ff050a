"""Turns rounds and conditions into the tables that the command prints. It judges by their failures alone."""

from collections.abc import Sequence

from tests.crash.condition import Found
from tests.crash.rounds import BOTH, MOMENTS, Round
from tests.load.report import aligned

NOTHING_LOST = "Nothing that was answered is lost."


def kills(rounds: Sequence[Round]) -> str:
    """Return one line for each part of a server's life in which it was killed, and one for all."""
    header = [
        "killed in",
        "kills",
        "answered",
        "under way",
        "of these done",
        "things compared",
        "ready again s",
        "failures",
    ]
    parts = {moment: [one for one in rounds if one.moment == moment] for moment in (*MOMENTS, BOTH)}
    lines = [_line(moment, some) for moment, some in parts.items() if some]
    return aligned([header, *lines, _line("all", rounds)])


def conditions(found: Sequence[Found]) -> str:
    """Return some lines for each condition: what was done, then what was answered, the most frequent first."""
    header = ["condition", "times", "answered meanwhile", "slowest s", "MiB before", "at most", "afterwards"]
    return aligned([header, *(line for one in found for line in _lines(one))])


def described(found: Sequence[Found]) -> str:
    """Return what was done in each condition, in words."""
    return "\n".join(f"{one.condition}: {one.done or 'it was not finished'}." for one in found if not one.skipped)


def verdict(failures: Sequence[str]) -> str:
    """Return the closing line, or one for each failure."""
    return "\n".join(f"FAILED: {failure}." for failure in failures) or NOTHING_LOST


def failures_of(rounds: Sequence[Round], found: Sequence[Found]) -> list[str]:
    """Return every failure with where it was met; a load that was never answered is one, too."""
    quiet = ["no request of the load was answered"] if rounds and not any(one.answered for one in rounds) else []
    killed = [
        f"round {number}, killed in {one.moment} after {one.after:.3f} s: {failure}"
        for number, one in enumerate(rounds, 1)
        for failure in one.failures
    ]
    return [*quiet, *killed, *(f"{one.condition}: {failure}" for one in found for failure in one.failures)]


def _line(name: str, rounds: Sequence[Round]) -> list[str]:
    totals = [
        sum(values)
        for values in zip(*((one.answered, one.asked, one.happened, one.things) for one in rounds), strict=True)
    ]
    ready = f"{max(one.ready_seconds for one in rounds):.1f} at most"
    failures = sum(len(one.failures) for one in rounds)
    return [name, str(len(rounds)), *(f"{total:,}" for total in totals), ready, str(failures)]


def _lines(found: Found) -> list[list[str]]:
    if found.skipped:
        return [[found.condition, "", f"not tried: {found.skipped}", "", "", "", ""]]
    watched = found.watched
    whole = "whole" if not found.failures else f"{len(found.failures)} failures"
    last = [f"{watched.slowest:.2f}", f"{watched.memory_before:.0f}", f"{watched.memory_peak:.0f}", whole]
    answers = [[f"{count:,}", words] for words, count in watched.answers.most_common()] or [["0", "nothing"]]
    first, *others = answers
    return [[found.condition, *first, *last], *(["", *answer, "", "", "", ""] for answer in others)]
