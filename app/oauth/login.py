"""The login step of every page: the form, and a password against its hash. It does not choose what follows."""

from collections.abc import Mapping
from typing import NamedTuple

from ..settings import Settings
from ..transaction import Transaction
from . import pages
from .answers import Answer
from .exchange import Exchange
from .guesses import Guesses
from .page_answers import page
from .registry import has_password
from .sessions import Browser, logged_in, with_login

_SEEDED = "Seeded users: testuser1 / password1 and testuser2 / password2."


class LoginRefusal(NamedTuple):
    """Why a login failed: what to tell the person, whose name was typed, and how long to wait, in seconds."""

    sentence: str
    username: str
    wait_seconds: int = 0

    @property
    def status(self) -> int:
        """Return the status of the page that tells so."""
        return 429 if self.wait_seconds else 400


class LoginForm(NamedTuple):
    """Where a login form leads: the path it posts to, what it carries along, for which client, and its redirect URI."""

    action: str
    hidden: Mapping[str, str]
    client_name: str | None = None
    redirect_uri: str | None = None


async def log_in(exchange: Exchange, browser: Browser, form: Mapping[str, str]) -> Browser | LoginRefusal:
    """Return the browser with its new session, or why there is none. Raises DatabaseError."""
    username, password = form.get("username", ""), form.get("password", "")
    if not username or not password:
        return LoginRefusal("Type your username and your password.", username)
    user = await exchange.parts.registry.user(exchange.parts.store, username)
    right = has_password(user, password)
    guesses = Guesses(exchange, browser, "password")

    async def attempt(transaction: Transaction) -> str | LoginRefusal:
        if seconds := await guesses.seconds_to_wait(transaction):
            return LoginRefusal(f"Too many wrong passwords. Try again in {seconds} seconds.", username, seconds)
        if right:
            return await logged_in(exchange, transaction, username)
        await guesses.note(transaction)
        return LoginRefusal("The username or the password is wrong.", username)

    session = await exchange.parts.store.write(attempt)
    return session if isinstance(session, LoginRefusal) else await with_login(exchange, session, username)


def seeded_users(settings: Settings) -> str | None:
    """Return what a login form may tell of the users that the standard seed has, None with another seed."""
    return _SEEDED if settings.seed == "standard" else None


def login_page(
    exchange: Exchange, browser: Browser, form: LoginForm, refusal: LoginRefusal | None = None, status: int = 200
) -> Answer:
    """Return the login page, after a refusal with its sentence and the name that was typed."""
    body = pages.login_page(
        action=form.action,
        csrf_token=browser.csrf_token,
        hidden=form.hidden,
        username=refusal.username if refusal else "",
        sentence=refusal and refusal.sentence,
        client_name=form.client_name,
        hint=seeded_users(exchange.parts.settings),
    )
    if refusal is None:
        return page(exchange, browser, body, status, redirect_uri=form.redirect_uri)
    return page(exchange, browser, body, refusal.status, refusal.wait_seconds, form.redirect_uri)
