"""The pages that a person sees: one pure function each, from words to a whole HTML document. No HTTP, no store.

Every form but the simulator's posts `csrf_token`, what `hidden` holds, and the fields that its function names. Nobody
is offered to sign out without `sign_out`, the path that this posts to. `sentence` says what went wrong.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .render import headers, render

__all__ = [
    "Poll",
    "approved_page",
    "code_page",
    "confirmation_page",
    "consent_page",
    "denied_page",
    "error_page",
    "expired_page",
    "headers",
    "login_page",
    "qr_code",
    "simulator_page",
    "simulator_start_page",
]


class Poll(NamedTuple):
    """One line of the simulator's list, as it is shown: when, how long after the last one, the least gap, what came."""

    time: str
    gap: str
    allowed: str
    answer: str


def code_page(
    *,
    action: str,
    csrf_token: str,
    user_code: str = "",
    sentence: str | None = None,
    username: str | None = None,
    sign_out: str | None = None,
) -> bytes:
    """Return the form where the code is typed (UI-01); `user_code` is what was typed before (UI-07)."""
    return render("code", **locals())


def login_page(
    *,
    action: str,
    csrf_token: str,
    hidden: Mapping[str, str],
    username: str = "",
    sentence: str | None = None,
    client_name: str | None = None,
    hint: str | None = None,
) -> bytes:
    """Return the form for `username` and `password` (UI-02); `hint` tells whose password everybody knows."""
    return render("login", **locals())


def confirmation_page(
    *,
    action: str,
    csrf_token: str,
    hidden: Mapping[str, str],
    client_name: str,
    client_id: str,
    scopes: Sequence[str],
    user_code: str,
    username: str,
    address: str,
    user_agent: str,
    asked_at: str,
    sign_out: str | None = None,
) -> bytes:
    """Return the question whether a device may act for the person (UI-03, UI-09 to UI-12).

    It posts `decision`, "approve" or "deny". `user_code` is only shown; to be posted it stands in `hidden`.
    """
    return render("confirmation", **locals())


def consent_page(
    *,
    action: str,
    csrf_token: str,
    hidden: Mapping[str, str],
    client_name: str,
    client_id: str,
    scopes: Sequence[str],
    username: str,
    redirect_host: str,
    sign_out: str | None = None,
) -> bytes:
    """Return the same question in the authorization code flow, which ends at `redirect_host`; posts `decision`."""
    return render("consent", **locals())


def approved_page(*, client_name: str | None = None) -> bytes:
    """Return the end of a flow that was approved; it sends the person back to the device (UI-04)."""
    return render("approved", **locals())


def denied_page(*, client_name: str | None = None) -> bytes:
    """Return the end of a flow that was denied."""
    return render("denied", **locals())


def expired_page(*, code_entry: str | None = None) -> bytes:
    """Return what stands for a code whose time is over (UI-20); `code_entry` is the path where a new one is typed."""
    return render("expired", **locals())


def error_page(*, title: str, sentence: str, link: str | None = None, link_text: str = "Start again") -> bytes:
    """Return a page for everything that no form can mend; `link` is a path that leads on."""
    return render("error", **locals())


def simulator_start_page(
    *,
    action: str,
    csrf_token: str,
    clients: Sequence[tuple[str, str]],
    scope: str,
    client_id: str = "",
    sentence: str | None = None,
) -> bytes:
    """Return the form that starts a flow from the device's side: `client_id`, one of (id, name) pairs, and `scope`."""
    return render("simulator_start", **locals())


def simulator_page(
    *,
    action: str,
    user_code: str,
    verification_uri: str,
    verification_uri_complete: str,
    status: str,
    polls: Sequence[Poll],
    expires_in: int | None = None,
    next_poll_seconds: int | None = None,
    verdict: str | None = None,
    tokens: Mapping[str, str] | None = None,
    start: str | None = None,
) -> bytes:
    """Return the small device's screen with code, address and QR code (UI-24), and the polls below it.

    `status` is one word (pending, approved, redeemed, denied, expired). Seconds: `expires_in`, and `next_poll_seconds`,
    after which the browser asks again by itself. `tokens` are claims to show. `start` is the path of the start page.
    """
    return render("simulator", qr=qr_code(verification_uri_complete), **locals())


def qr_code(text: str) -> str:
    """Return a QR code as inline SVG, which scales to its place. It needs no stylesheet but a size."""
    import segno  # Like Jinja, it costs the start nothing.

    return segno.make(text, micro=False).svg_inline(omitsize=True, light="#fff", lineclass=None, svgclass=None)
