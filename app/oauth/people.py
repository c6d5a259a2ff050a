"""What is told of a user (OpenID Connect Core 5.1, 5.4): everything follows from the name, since nothing else is stored."""

from typing import Any


def claims_of(username: str, scope: str) -> dict[str, Any]:
    """Return the claims of the scopes `profile` and `email`, without `sub`."""
    scopes = scope.split()
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {"preferred_username": username, "name": username}
    if "email" in scopes:
        claims |= {"email": f"{username}@example.com", "email_verified": True}
    return claims
