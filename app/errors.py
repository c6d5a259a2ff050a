"""The errors that end a request or a start. Nothing here renders them: edge.py and main.py do."""


class StartRefused(Exception):  # noqa: N818 - a refusal in the words of this project, like Refusal below
    """The start cannot go on; the text is one sentence: file or thing, place, what was expected."""


class Refusal(Exception):  # noqa: N818 - the contract calls these answers refusals
    """An answer of TMS itself: the JSON envelope of contract 1.3 with `status` and `message`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class FrameworkRefusal(Exception):  # noqa: N818 - as above
    """An answer of the web framework in front of TMS: plain text, contract section 6."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class ConnectionDropped(Exception):  # noqa: N818 - an event, not a fault of ours
    """The connection is closed without an answer (contract 5.1, D2)."""


class RowsReplaced(Exception):  # noqa: N818 - an event, not a fault of ours
    """A reset or a restored snapshot has come between what a request has read and what it writes; it begins anew."""


class DatabaseTrouble(Exception):  # noqa: N818 - the two below, for whoever treats them alike
    """The database refused something, or does not answer."""


class DatabaseGone(DatabaseTrouble):
    """The database does not answer at all; nobody makes anything of it but 503 (contract D9, as documented)."""


class DatabaseError(DatabaseTrouble):
    """The database refused a statement.

    `sqlite` is the text that wire version 0.1.0 shows, `postgresql` the one of 0.3.0, both without any prefix.
    """

    def __init__(self, sqlite: str, postgresql: str) -> None:
        super().__init__(sqlite)
        self.sqlite = sqlite
        self.postgresql = postgresql


# What sqlx says once its pool has tried in vain: it waits for a database that refuses connections (contract 2.0, DB).
POOL_TIMED_OUT = "pool timed out while waiting for an open connection"


class DatabaseAway(DatabaseError):  # noqa: N818 - a state of the database, not a fault of ours
    """The database did not answer at all; the text is shown as it stands, without the prefix of a driver."""

    def __init__(self, text: str) -> None:
        super().__init__(text, text)
