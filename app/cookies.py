"""Reads one cookie out of a Cookie header, in time linear to it. What the cookie means is its caller's business."""

from starlette.requests import cookie_parser

LONGEST = 4_096  # characters of a cookie that browsers keep


def cookie_of(header: str, name: str) -> str:
    """Return a cookie, or an empty text; the last of that name counts, and one that is too long is none.

    Others are not looked into: Python before 3.11.10 unquotes in time that grows with the square of the length.
    """
    pairs = (pair.partition("=") for pair in header.split(";"))
    found = [value for key, sign, value in pairs if sign and key.strip() == name]
    if not found or len(found[-1]) > LONGEST:
        return ""
    return cookie_parser(f"{name}={found[-1]}").get(name, "")
