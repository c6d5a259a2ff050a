"""What can go wrong with a call, apart from calls.py: the command line names these before it needs a connection."""

from collections.abc import Mapping


class Unreachable(Exception):  # noqa: N818 - an event, not a fault of the caller
    """Nobody answers; the text is one sentence."""


class CallRefused(Exception):  # noqa: N818 - in the words of problems.py
    """The control plane refused a call; the text is one line. `fields` has what is wrong by the field's name."""

    def __init__(self, status: int, detail: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.fields = dict(fields or {})
