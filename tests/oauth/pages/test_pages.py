"""What every page has and lacks, what each form posts, and what each page shows."""

import re
from html.parser import HTMLParser

import pytest
import segno

from app.oauth.pages import (
    Poll,
    approved_page,
    code_page,
    confirmation_page,
    consent_page,
    denied_page,
    error_page,
    expired_page,
    login_page,
    qr_code,
    simulator_page,
    simulator_start_page,
)

CELLS = {"dt", "dd", "th", "td"}
VOID = {"br", "hr", "img", "input", "link", "meta"}
URL_ATTRIBUTES = {"action", "cite", "data", "formaction", "href", "poster", "src", "srcset", "xlink:href"}
HOSTILE = """"><script>alert('1')</script><b onclick='x'>&lt;"""
URI, COMPLETE = "https://standin.test/device", "https://standin.test/device?user_code=WDJB-MJHT"
CONFIRMATION = {
    "action": "/device",
    "csrf_token": "t0ken",
    "hidden": {"user_code": "WDJB-MJHT"},
    "client_name": "My command line",
    "client_id": "device-public",
    "scopes": ["openid", "profile", "email", "offline_access", "jobs:submit"],
    "user_code": "WDJB-MJHT",
    "username": "testuser1",
    "address": "203.0.113.17",
    "user_agent": "my-cli/2.4 (Linux)",
    "asked_at": "23 November 2026, 18:00:05 UTC",
    "sign_out": "/sign-out",
}
SIMULATOR = {
    "action": "/device/simulator/poll",
    "user_code": "WDJB-MJHT",
    "verification_uri": URI,
    "verification_uri_complete": COMPLETE,
    "status": "pending",
    "polls": [],
}


def every_page(text):
    """Return each page by its name, with `text` wherever words of somebody else are shown."""
    post = {"action": "/somewhere", "csrf_token": text}
    person = {"username": text, "sign_out": "/sign-out", "hidden": {"state": text}}
    client = {"client_name": text, "client_id": text, "scopes": ["openid", text]}
    return {
        "code": code_page(**post),
        "code, wrong": code_page(**post, user_code=text, sentence=text, username=text, sign_out="/sign-out"),
        "login": login_page(**post, hidden={}),
        "login, wrong": login_page(
            **post, hidden={"a": text}, username=text, sentence=text, client_name=text, hint=text
        ),
        "confirmation": confirmation_page(
            **post, **client, **person, user_code=text, address=text, user_agent=text, asked_at=text
        ),
        "consent": consent_page(**post, **client, **person, redirect_host=text),
        "approved": approved_page(client_name=text),
        "denied": denied_page(client_name=text),
        "expired": expired_page(code_entry="/device"),
        "error": error_page(title=text, sentence=text, link="/device", link_text=text),
        "simulator start": simulator_start_page(
            **post, clients=[("a", text), (text, "A")], scope=text, client_id=text, sentence=text
        ),
        "simulator": simulator_page(**SIMULATOR),
        "simulator, done": simulator_page(
            **{**SIMULATOR, "user_code": text, "status": text, "polls": [Poll(text, text, text, text)]},
            expires_in=7,
            next_poll_seconds=5,
            verdict=text,
            tokens={text: text},
            start="/device/simulator",
        ),
    }


PLAIN, STRANGE = every_page("word"), every_page(HOSTILE)
EVERY = [
    *[(name, page) for name, page in PLAIN.items()],
    *[(f"{name}, hostile", page) for name, page in STRANGE.items()],
]
each = pytest.mark.parametrize("page", [page for _, page in EVERY], ids=[name for name, _ in EVERY])


class Element:
    """An element with its attributes and everything inside it."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.inside = tag, attributes, []

    def all(self, *tags):
        """Return the elements below this one that have one of these tags, or any."""
        found = []
        for part in self.inside:
            if isinstance(part, Element):
                found += [part, *part.all()]
        return [part for part in found if not tags or part.tag in tags]

    @property
    def text(self):
        """All words inside, with single spaces between them."""
        return " ".join("".join(self._words()).split())

    def _words(self):
        for part in self.inside:
            yield from part._words() if isinstance(part, Element) else (part,)
        if self.tag in CELLS:
            yield " "


class Parsed(HTMLParser):
    """A document as a tree; an element that is not closed, or closed by another one's tag, is an error."""

    def __init__(self, page):
        super().__init__()
        self.root, self.declarations = Element("document", {}), []
        self.open = [self.root]
        self.feed(page.decode("utf-8"))
        self.close()
        assert self.open == [self.root]

    def handle_decl(self, declaration):
        """Keep the document's type."""
        self.declarations.append((declaration, len(self.root.inside)))

    def handle_starttag(self, tag, attributes):
        """Open an element."""
        assert len(dict(attributes)) == len(attributes), f"an attribute stands twice in <{tag}>"
        element = Element(tag, dict(attributes))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        """Take in an element of SVG that closes itself."""
        self.open[-1].inside.append(Element(tag, dict(attributes)))

    def handle_endtag(self, tag):
        """Close the innermost element, and no other."""
        assert self.open.pop().tag == tag

    def handle_data(self, text):
        """Keep words."""
        self.open[-1].inside.append(text)


def tree(page):
    """Return a page's elements."""
    return Parsed(page).root


def shown(page):
    """Return all words of a page's main part."""
    (main,) = tree(page).all("main")
    return main.text


def named(element):
    """Return a control's name and value as it would be posted."""
    return element.attributes["name"], element.attributes.get("value", "")


def forms(page):
    """Return what each form posts: where to, its fields with their values, its buttons."""
    return [
        (
            form.attributes["action"],
            [named(field) for field in form.all("input")],
            [(*named(button), button.text) for button in form.all("button") if "name" in button.attributes],
        )
        for form in tree(page).all("form")
    ]


def control(page, identifier):
    """Return the attributes of the element with this id."""
    (found,) = [element for element in tree(page).all() if element.attributes.get("id") == identifier]
    return found.attributes


@each
def test_a_page_is_a_whole_document_with_landmarks_and_one_heading(page):
    """Type, language, title, width, one h1, one of each landmark; nothing is left open."""
    parsed = Parsed(page)
    elements = parsed.root.all()
    tags = [element.tag for element in elements]
    titles = [element.text for element in elements if element.tag == "title"]

    assert page.startswith(b"<!DOCTYPE html>")
    assert parsed.declarations == [("DOCTYPE html", 0)]
    assert {
        tag: tags.count(tag) for tag in ("html", "h1", "header", "main", "footer", "title", "style")
    } == dict.fromkeys(("html", "h1", "header", "main", "footer", "title", "style"), 1)
    assert elements[0].attributes == {"lang": "en"}
    assert titles[0].removesuffix(" · TMS stand-in").strip()
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [e.attributes for e in elements]


@each
def test_a_page_runs_nothing_and_asks_no_other_host(page):
    """No script, no handler, no style that the policy would drop, and addresses lead to this server (UI-23)."""
    elements = tree(page).all()
    attributes = [pair for element in elements for pair in element.attributes.items()]
    addresses = [value for name, value in attributes if name in URL_ATTRIBUTES]

    assert {element.tag for element in elements} & {"script", "iframe", "object", "embed", "img", "base", "b"} == set()
    assert [name for name, _ in attributes if name.startswith("on") or name == "style"] == []
    assert [a for a in addresses if not re.match(r"/(?!/)|data:", a) and a != COMPLETE] == []


@each
def test_a_page_names_everything_that_can_be_filled_in(page):
    """Each visible control has its label, ids are there once, and descriptions refer to something."""
    elements = tree(page).all()
    identifiers = [element.attributes["id"] for element in elements if "id" in element.attributes]
    labels = [element.attributes["for"] for element in elements if element.tag == "label" and element.text]
    visible = [
        e.attributes.get("id")
        for e in elements
        if e.tag in ("input", "select") and e.attributes.get("type") != "hidden"
    ]
    referred = [
        word
        for element in elements
        for name in ("aria-describedby", "aria-labelledby")
        for word in element.attributes.get(name, "").split()
    ]

    assert sorted(labels) == sorted(visible)
    assert len(identifiers) == len(set(identifiers))
    assert set(referred) <= set(identifiers)
    assert [e.tag for e in elements if e.tag == "svg" and e.attributes.get("aria-hidden") != "true"] in ([], ["svg"])


@each
def test_every_form_posts_its_token_once(page):
    """A form proves where it comes from (UI-18); the simulator's has its unguessable address for that."""
    for form in tree(page).all("form"):
        assert form.attributes["method"] == "post"
        tokens = 0 if form.attributes["action"] == SIMULATOR["action"] else 1
        assert [named(field)[0] for field in form.all("input")].count("csrf_token") == tokens


@pytest.mark.parametrize("name", [name for name in STRANGE if name not in ("code", "login", "expired", "simulator")])
def test_words_of_others_are_shown_as_they_are_and_mean_nothing(name):
    """Markup in a name, a user agent or a typed code is only text, in elements and in attributes."""
    page = STRANGE[name]
    words = page.decode()
    held = [value for element in tree(page).all() for value in element.attributes.values()]

    assert HOSTILE in shown(page) or HOSTILE in held
    assert "<script" not in words
    assert "onclick='" not in words
    assert len(tree(page).all()) == len(tree(PLAIN[name]).all())


def test_the_code_is_typed_in_a_field_made_for_it():
    """A field of its own, focused, for capital letters, without anybody's corrections (UI-01)."""
    page = code_page(action="/device", csrf_token="t0ken")

    assert forms(page) == [("/device", [("csrf_token", "t0ken"), ("user_code", "")], [])]
    assert control(page, "user_code") == {
        "class": "code",
        "id": "user_code",
        "name": "user_code",
        "value": "",
        "type": "text",
        "inputmode": "text",
        "autocomplete": "off",
        "autocapitalize": "characters",
        "autocorrect": "off",
        "spellcheck": "false",
        "required": None,
        "autofocus": None,
        "aria-describedby": "user_code_hint",
    }
    assert [e for e in tree(page).all() if e.attributes.get("role") == "alert"] == []


def test_a_wrong_code_stays_in_the_field_beside_the_sentence():
    """What was typed is kept, the sentence is announced, and the field is marked (UI-07)."""
    page = code_page(action="/device", csrf_token="t0ken", user_code="wdjb mjhz", sentence="No such code.")
    (alert,) = [e for e in tree(page).all() if e.attributes.get("role") == "alert"]
    field = control(page, "user_code")

    assert (alert.text, alert.attributes["id"]) == ("No such code.", "sentence")
    assert (field["value"], field["aria-invalid"]) == ("wdjb mjhz", "true")
    assert field["aria-describedby"] == "sentence user_code_hint"
    assert "<title>Error: Connect a device" in page.decode()


def test_who_is_signed_in_may_sign_out():
    """The page says who is signed in; the form to sign out is there when there is a path for it."""
    page = code_page(action="/device", csrf_token="t0ken", username="testuser1", sign_out="/sign-out")
    without = code_page(action="/device", csrf_token="t0ken", username="testuser1")

    assert forms(page)[1:] == [("/sign-out", [("csrf_token", "t0ken")], [])]
    assert forms(without)[1:] == []
    assert shown(page).endswith("Signed in as testuser1 Sign out")
    assert shown(without).endswith("Signed in as testuser1")


def test_the_login_asks_for_name_and_password():
    """Two fields that password managers know; the first one is focused, and what `hidden` holds goes along (UI-02)."""
    page = login_page(action="/login", csrf_token="t0ken", hidden={"next": "/device"}, client_name="My command line")

    fields = [("csrf_token", "t0ken"), ("next", "/device"), ("username", ""), ("password", "")]
    assert forms(page) == [("/login", fields, [])]
    assert shown(page) == "Sign in to continue to My command line Username Password Sign in"
    assert control(page, "username") == {
        "id": "username",
        "name": "username",
        "value": "",
        "type": "text",
        "autocomplete": "username",
        "autocapitalize": "none",
        "autocorrect": "off",
        "spellcheck": "false",
        "required": None,
        "autofocus": None,
    }
    assert control(page, "password") == {
        "id": "password",
        "name": "password",
        "type": "password",
        "autocomplete": "current-password",
        "required": None,
    }


def test_a_wrong_password_is_typed_again_beside_the_name():
    """The name is kept, the password is not; both are marked, and the password has the focus."""
    page = login_page(
        action="/login",
        csrf_token="t0ken",
        hidden={},
        username="testuser1",
        sentence="Wrong.",
        hint="Seeded: testuser1",
    )
    name, password = control(page, "username"), control(page, "password")

    assert (name["value"], "autofocus" in name, "autofocus" in password) == ("testuser1", False, True)
    assert [(a["aria-invalid"], a["aria-describedby"]) for a in (name, password)] == [("true", "sentence")] * 2
    assert shown(page) == "Sign in to connect your device Wrong. Username Password Sign in Seeded: testuser1"


def test_the_confirmation_says_what_is_approved_and_for_which_device():
    """Client, scopes, code to compare, asking device, the notice of RFC 8628 5.4, both answers (UI-03, UI-09 to UI-12)."""
    assert shown(confirmation_page(**CONFIRMATION)) == (
        "Approve this device? M My command line device-public "
        "Is this the code on your device? WDJB-MJHT "
        "It wants to Know who you are openid See your name and profile profile See your email address email "
        "Act while you are away offline_access Use the permission jobs:submit "
        "The device that asks Address 203.0.113.17 Program my-cli/2.4 (Linux) Asked at 23 November 2026, 18:00:05 UTC "
        "Is this device in your hands? Approve only if you have just started this yourself. "
        "If somebody sent you the code or a link to this page, deny. "
        "Approve Deny Signed in as testuser1 Sign out"
    )


def test_the_confirmation_posts_the_decision():
    """Nothing but what `hidden` holds goes along, and no key pressed by chance approves: nothing has the focus."""
    page = confirmation_page(**CONFIRMATION)
    fields = [("csrf_token", "t0ken"), ("user_code", "WDJB-MJHT")]

    assert forms(page) == [
        ("/device", fields, [("decision", "approve", "Approve"), ("decision", "deny", "Deny")]),
        ("/sign-out", fields, []),
    ]
    assert [e.tag for e in tree(page).all() if "autofocus" in e.attributes] == []


def test_a_device_that_tells_little_is_shown_too():
    """No scope, no user agent and no client name leave no gap; a long user agent is cut."""
    little = shown(confirmation_page(**{**CONFIRMATION, "scopes": [], "user_agent": "", "client_name": " "}))
    much = shown(confirmation_page(**{**CONFIRMATION, "user_agent": "x" * 9000}))

    assert "It wants to Nothing in particular: it named no permission The device that asks" in little
    assert "Program It did not say Asked at" in little
    assert "Approve this device? ? device-public" in little
    assert f"Program {'x' * 239}… Asked at" in much


def test_words_of_others_cannot_turn_the_line_around():
    """A user agent that switches the writing direction switches its own alone."""
    page = confirmation_page(**{**CONFIRMATION, "user_agent": "safe\u202eelif"})

    assert "safe\u202eelif" in [element.text for element in tree(page).all("bdi")]


def test_the_consent_names_where_the_browser_goes():
    """Client, scopes and the host behind the decision, and no word of devices and codes."""
    page = consent_page(
        action="/oauth2/authorize",
        csrf_token="t0ken",
        hidden={"state": "x"},
        client_name="My page",
        client_id="page",
        scopes=["openid"],
        username="testuser1",
        redirect_host="localhost:5173",
    )

    assert forms(page) == [
        (
            "/oauth2/authorize",
            [("csrf_token", "t0ken"), ("state", "x")],
            [("decision", "approve", "Approve"), ("decision", "deny", "Deny")],
        )
    ]
    assert shown(page) == (
        "Approve this application? M My page page It wants to Know who you are openid "
        "Whatever you choose, your browser goes on to localhost:5173. Approve Deny Signed in as testuser1"
    )


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            approved_page(client_name="My cli"),
            (
                "Device approved My cli may now act for you. Go back to your device: it continues by itself in a few seconds. "
                "You can close this window."
            ),
        ),
        (
            approved_page(),
            "Device approved Go back to your device: it continues by itself in a few seconds. You can close this window.",
        ),
        (
            denied_page(client_name="My cli"),
            (
                "Device denied My cli got no access. If the device is yours, go back to it: it will say that you refused. "
                "You can close this window."
            ),
        ),
        (
            denied_page(),
            (
                "Device denied The device got no access. If the device is yours, go back to it: it will say that you refused. "
                "You can close this window."
            ),
        ),
        (
            expired_page(),
            (
                "This code has expired Nothing was approved. Go back to your device, start again there, "
                "and enter the new code that it shows."
            ),
        ),
        (error_page(title="No", sentence="Not so."), "No Not so."),
    ],
)
def test_every_end_sends_the_person_back_to_the_device(page, words):
    """The last page says what happened and where it goes on (UI-04, UI-20)."""
    assert shown(page) == words
    assert tree(page).all("a", "form") == []


@pytest.mark.parametrize(
    ("page", "link"),
    [
        (expired_page(code_entry="/device"), ("/device", "Enter a new code")),
        (error_page(title="No", sentence="Not so.", link="/device"), ("/device", "Start again")),
        (error_page(title="No", sentence="Not so.", link="/x", link_text="Further"), ("/x", "Further")),
    ],
)
def test_an_end_may_lead_on(page, link):
    """A code that is over, or an error, is no dead end."""
    assert [(element.attributes["href"], element.text) for element in tree(page).all("a")] == [link]


def test_the_simulator_starts_with_a_client_and_scopes():
    """A list of clients, the chosen one marked, and the scopes as they are on the wire."""
    page = simulator_start_page(
        action="/device/simulator",
        csrf_token="t0ken",
        clients=[("device-public", "Public device"), ("tapis_cli", "tapis_cli")],
        scope="openid email",
        client_id="tapis_cli",
    )
    options = [(o.attributes, o.text) for o in tree(page).all("option")]

    assert forms(page) == [("/device/simulator", [("csrf_token", "t0ken"), ("scope", "openid email")], [])]
    assert control(page, "client_id") == {"id": "client_id", "name": "client_id"}
    assert options == [
        ({"value": "device-public"}, "Public device (device-public)"),
        ({"value": "tapis_cli", "selected": None}, "tapis_cli"),
    ]


def test_the_simulator_shows_what_a_device_shows():
    """Address, code and QR code together, so that the code can be compared (UI-24), and how the flow stands."""
    page = simulator_page(**SIMULATOR, expires_in=578, next_poll_seconds=5, start="/device/simulator")
    (picture,) = [element for element in tree(page).all() if element.attributes.get("role") == "img"]

    assert shown(page) == (
        f"Device simulator To connect this device, go to {URI} and enter WDJB-MJHT Waiting for you or scan this "
        "Poll now Open the address in a new tab Another device Next poll in 5 s, by itself Code expires in 578 s "
        "Polls None yet."
    )
    assert forms(page) == [("/device/simulator/poll", [], [])]
    assert [element.attributes["href"] for element in tree(page).all("a")] == [COMPLETE, "/device/simulator"]
    assert picture.attributes["aria-label"] == "QR code that leads to the same page with the code filled in"
    assert qr_code(COMPLETE) in page.decode()


def test_the_simulator_lists_polls_and_what_came_of_them():
    """Each poll with its gap, the gap that was allowed and the answer; then the verdict and the claims."""
    polls = [Poll("18:00:05", "–", "0 s", "slow_down"), Poll("18:00:15", "10.0 s", "10 s", "tokens")]  # noqa: RUF001 - a dash
    page = simulator_page(
        **{**SIMULATOR, "status": "redeemed", "polls": polls}, verdict="impatient", tokens={"sub": "testuser1"}
    )
    rows = [[cell.text for cell in row.all("th", "td")] for row in tree(page).all("tr")]

    assert rows == [
        ["Time", "Answer", "Gap", "Least gap"],
        ["18:00:05", "slow_down", "–", "0 s"],  # noqa: RUF001 - a dash
        ["18:00:15", "tokens", "10.0 s", "10 s"],
    ]
    assert "Connected or scan this" in shown(page)
    assert "Verdict on this client impatient" in shown(page)
    assert shown(page).endswith("What the tokens say sub testuser1")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending", "Waiting for you"),
        ("approved", "Approved, tokens at the next poll"),
        ("redeemed", "Connected"),
        ("denied", "Denied"),
        ("expired", "Expired"),
        ("lost", "lost"),
    ],
)
def test_the_simulator_says_how_the_flow_stands(status, words):
    """On the screen and in the title of the tab; a word that the page does not know is shown as it is."""
    page = simulator_page(**{**SIMULATOR, "status": status})

    assert f"enter WDJB-MJHT {words} or scan this" in shown(page)
    assert [title.text for title in tree(page).all("title")] == [f"Device simulator: {words} · TMS stand-in"]


@pytest.mark.parametrize(("seconds", "refreshes"), [(None, []), (0, ["0"]), (5, ["5"])])
def test_the_simulator_asks_again_by_itself_only_when_told(seconds, refreshes):
    """The browser comes back after the seconds that are given, and never without them."""
    metas = [meta.attributes for meta in tree(simulator_page(**SIMULATOR, next_poll_seconds=seconds)).all("meta")]

    assert [meta["content"] for meta in metas if meta.get("http-equiv") == "refresh"] == refreshes


@pytest.mark.parametrize("name", [name for name in PLAIN if not name.startswith("simulator")])
def test_no_other_page_refreshes_itself(name):
    """A page that somebody reads or fills in stays as it is."""
    assert [meta for meta in tree(PLAIN[name]).all("meta") if "http-equiv" in meta.attributes] == []


@pytest.mark.parametrize(
    "text", [COMPLETE, "http://127.0.0.1:3000/issuers/" + "long" * 40 + "/device?user_code=WDJB-MJHT"]
)
def test_the_qr_code_holds_the_address(text):
    """The lines of the picture are the symbol's dark modules, four of quiet all around (ISO/IEC 18004)."""
    light, dark = re.fullmatch(
        r'<svg viewBox="0 0 \d+ \d+"><path fill="#fff" d="M0 0h(\d+)v\d+h-\d+z"/><path stroke="#000" d="(.+)"/></svg>',
        qr_code(text),
    ).groups()
    side, x, y, modules = int(light), 0, 0, set()
    for command, across, down in re.findall(r"([Mmh])(-?\d+)(?: (-?[\d.]+))?", dark):
        if command == "h":
            modules |= {(x + step, int(y)) for step in range(int(across))}
        x, y = (int(across), float(down)) if command == "M" else (x + int(across), y + float(down or 0))
    rows = [[int((column, row) in modules) for column in range(side)] for row in range(side)]

    assert rows == [list(row) for row in segno.make(text, micro=False).matrix_iter(border=4)]
