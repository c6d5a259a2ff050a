"""What ends a Tapis request on purpose. envelope.py renders it."""


class TapisRefusal(Exception):  # noqa: N818 - a refusal in the words of this project, like Refusal in errors.py
    """A deliberate error: status 400 unless told, and the message of the contract; it may end the browser's session."""

    def __init__(self, message: str, status: int = 400, *, ends_session: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.ends_session = ends_session
