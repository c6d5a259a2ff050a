"""The page's own paths: the page, its sections, its forms, its files and its login. What is shown is sections.py's work."""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from .. import __version__
from ..control.problems import Refused
from ..control.shapes import IssuerUrls, RunningParts
from ..records import same_text
from . import login, render, sections
from .actions import ACTIONS
from .events import state_of
from .inner import NOTHING, ask
from .sections import SECTIONS, View

on = APIRouter(include_in_schema=False)

TITLES = {
    "traffic": "Traffic",
    "device": "Pending device codes",
    "requests": "Last requests",
    "modes": "Modes",
    "clock": "Clock",
    "faults": "Faults",
    "snapshots": "Snapshots",
    "names": "Seeded names",
    "records": "Records",
}
LAYOUT = (
    (("traffic",),),
    (("device", "clock", "snapshots"), ("faults", "modes"), ("names",)),
    (("requests",),),
    (("records",),),
)
_LONGEST_TOLD = 200  # letters of a sentence that comes back in the page's address
_MOST_FIELDS = 20


def view_of(request: Request, parts: RunningParts, issuers: Annotated[IssuerUrls, Depends()]) -> View:
    """Return the view of this request."""
    return View(request, parts, issuers)


Viewed = Annotated[View, Depends(view_of)]


@on.get("/")
async def show_page(view: Viewed, told: str = "") -> Response:
    """Show the whole page; `told` is what the form before has done."""
    return await _page(view, told=told[:_LONGEST_TOLD])


@on.get("/page/sections/{name}")
async def show_section(view: Viewed, name: str) -> Response:
    """Show one section alone, which the script puts in the place of the old one."""
    if name not in SECTIONS:
        raise Refused(404, f"There is no section called {name}; there are {', '.join(SECTIONS)}.")
    data = await sections.shown(view, (name,))
    return _html(render.render("section", name=name, data=data, **_common(view.request)))


@on.post("/page/do/{name}")
async def do(view: Viewed, name: str) -> Response:
    """Do what a form wishes, then lead back to the page; a refusal is shown in the form's section, with its status."""
    if name not in ACTIONS:
        raise Refused(404, f"There is no form called {name}; there are {', '.join(ACTIONS)}.")
    form = await _form(view.request)
    action = ACTIONS[name]
    before = await ask(view.request, "GET", action.reads) if action.reads else NOTHING
    wish = action.wish(form, before.body) if before.sentence is None else None
    answer = await ask(view.request, wish.method, wish.path, wish.body) if wish else before
    if wish is None or answer.sentence is not None:
        return await _page(view, answer.status, alert=(action.section, answer.sentence), typed={name: form})
    told = urlencode({"told": wish.done})
    return RedirectResponse(f"{_root(view.request)}/?{told}#{action.section}", 303, render.HEADERS)


@on.get("/page/static/{name}")
async def send_file(name: str) -> Response:
    """Send one of the page's files, which a browser may keep: its address changes with it."""
    if name not in render.MEDIA_TYPES:
        raise Refused(404, f"There is no file called {name}; there are {', '.join(render.MEDIA_TYPES)}.")
    return Response(render.static(name), media_type=render.MEDIA_TYPES[name], headers=render.STATIC_HEADERS)


@on.get(login.LOGIN)
async def show_login(request: Request) -> Response:
    """Show the form for the token."""
    return _html(render.render("login", sentence=None, **_common(request)))


@on.post(login.LOGIN)
async def log_in(request: Request, parts: RunningParts) -> Response:
    """Hand out the cookie for the token, or show the form again."""
    given = (await _form(request)).get("token", "")
    token = parts.settings.control_token
    if token is not None and not same_text(given, token):
        sentence = "This is not the token of standin.control_token."
        return _html(render.render("login", sentence=sentence, **_common(request)), 401)
    answer = RedirectResponse(f"{_root(request)}/", 303, render.HEADERS)
    if token is not None:
        answer.set_cookie(
            login.COOKIE,
            login.cookie_value(token),
            path=_root(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
    return answer


@on.post("/page/logout")
async def log_out(request: Request) -> Response:
    """Take the cookie back."""
    answer = RedirectResponse(f"{_root(request)}{login.LOGIN}", 303, render.HEADERS)
    answer.delete_cookie(login.COOKIE, path=_root(request), httponly=True, samesite="strict")
    return answer


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form as browsers send it. Raises Refused for one with too many."""
    try:
        text = (await request.body()).decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Refused(400, f"The form has more than {_MOST_FIELDS} fields.") from None


async def _page(view: View, status: int = 200, **shown: Any) -> Response:
    state = state_of(view.parts)  # Before the sections: what is set meanwhile is seen as a change.
    data = await sections.shown(view, tuple(SECTIONS))
    context = {**_common(view.request), **shown}
    return _html(render.render("page", data=data, state=state, parts=view.parts, **context), status)


def _common(request: Request) -> dict[str, Any]:
    """Return what every template may use."""
    return {
        "root": _root(request),
        "titles": TITLES,
        "layout": LAYOUT,
        "version": __version__,
        "alert": None,
        "typed": {},
        "told": "",
        "host": request.url.netloc,
        "has_login": request.app.state.parts.settings.control_token is not None,
    }


def _root(request: Request) -> str:
    root: str = request.scope["root_path"]
    return root


def _html(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, render.HEADERS)
