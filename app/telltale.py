"""Takes out of a path what can only be a secret, a token or a code, wherever somebody has put it. It knows no field."""

import re

_SHORTEST_SECRET = 40  # letters: a code of Tapis; those of TMS have 48, the others more
# A user code in a call of the control plane, and what is as long and as mixed as the others are.
_PIECE = re.compile(r"(?<=/_standin/device/)[^/]+|[\w-]{40,}", re.ASCII)


def without_secrets(path: str) -> str:
    """Return a path as it may be written down."""
    return _PIECE.sub(_shown, path)


def _shown(found: re.Match[str]) -> str:
    piece = found[0]
    is_word = len(piece) >= _SHORTEST_SECRET and (piece.isalpha() or piece.isdigit())
    return piece if is_word else "***"
