"""What every page's answer has in common: headers, the session cookie, and the forms that come back."""

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from ..records import same_text
from . import pages
from .answers import Answer, plain
from .exchange import Exchange
from .parameters import Parameters, pairs_of
from .sessions import Browser, cookie_name

_CHALLENGE = (b"www-authenticate", b'Form realm="tms-standin"')
_FORGED = (
    "This form was not made for your browser's session, or the session is over. Start again, and accept the cookie."
)


def page(
    exchange: Exchange,
    browser: Browser,
    body: bytes,
    status: int = 200,
    wait_seconds: int = 0,
    redirect_uri: str | None = None,
) -> Answer:
    """Return a page, with the session cookie where the browser has not sent this session.

    `redirect_uri` is where its form may lead on to.
    """
    headers = pages.headers(redirect_uri)
    if wait_seconds:
        headers.append((b"retry-after", str(wait_seconds).encode()))
    if status == 401:
        headers.append(_CHALLENGE)
    if not same_text(browser.session, exchange.cookie(cookie_name(exchange.secure))):
        headers.append(browser.cookie(exchange.secure))
    return Answer(status, headers, body)


def error_page(status: int, title: str, sentence: str, link: str | None = None) -> Answer:
    """Return a page for what no form can mend; `link` is the path where to start again."""
    return Answer(status, pages.headers(), pages.error_page(title=title, sentence=sentence, link=link))


def forged(link: str) -> Answer:
    """Return what a form gets that lacks this session's token (RFC 6749 10.12)."""
    return error_page(403, "Form refused", _FORGED, link)


def redirect(exchange: Exchange, browser: Browser, location: str) -> Answer:
    """Return a way on that a browser follows by GET."""
    return page(exchange, browser, b"", 303).with_header(b"location", location.encode("ascii"))


async def form_of(exchange: Exchange) -> dict[str, str]:
    """Return the fields of a form. Raises InvalidRequestError for one that cannot be read, or has a field twice."""
    return _each_once(await exchange.parameters())


def query_of(exchange: Exchange) -> dict[str, str] | None:
    """Return the query's parameters, or None where it is damaged."""
    try:
        return _each_once(Parameters(pairs_of(exchange.scope["query_string"])))
    except OAuth2Error:
        return None


def _each_once(parameters: Parameters) -> dict[str, str]:
    for name, values in parameters.datalist.items():
        if len(values) > 1:
            raise InvalidRequestError(f"The field {plain(name)} is there more than once")
    return parameters.data
