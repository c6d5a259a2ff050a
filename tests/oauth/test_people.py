"""What is told of a user, scope by scope (OpenID Connect Core 5.1, 5.4)."""

import pytest

from app.oauth.people import claims_of

PROFILE = {"preferred_username": "testuser1", "name": "testuser1"}
EMAIL = {"email": "testuser1@example.com", "email_verified": True}


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("", {}),
        ("openid", {}),
        ("offline_access", {}),
        ("profile", PROFILE),
        ("email", EMAIL),
        ("openid profile", PROFILE),
        ("email openid", EMAIL),
        ("openid profile email offline_access", PROFILE | EMAIL),
        ("email profile", PROFILE | EMAIL),
    ],
)
def test_a_scope_stands_for_its_claims(scope, claims):
    """In any order, and never the subject, which is no scope's."""
    assert claims_of("testuser1", scope) == claims


@pytest.mark.parametrize("scope", ["PROFILE", "profiles", "e-mail", "emailprofile", "openid:email", "address phone"])
def test_no_other_scope_does(scope):
    """Scopes are compared whole and to the letter (RFC 6749 3.3)."""
    assert claims_of("testuser1", scope) == {}


def test_everything_follows_from_the_name():
    """The same user is told alike each time, another one otherwise."""
    assert claims_of("é b", "profile email") == {
        "preferred_username": "é b",
        "name": "é b",
        "email": "é b@example.com",
        "email_verified": True,
    }
    claims_of("testuser1", "email")["email"] = "changed"
    assert claims_of("testuser1", "email") == EMAIL
