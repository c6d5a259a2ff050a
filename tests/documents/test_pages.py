"""Swagger UI: whole in one page, and nothing in it that would be loaded from anywhere else."""

import json
import re
from html.parser import HTMLParser

import pytest

from app.documents.honest import openapi_document
from app.documents.pages import oauth_page, swagger_page
from app.tms import OPERATIONS
from app.wire import WIRES

DOCUMENT = openapi_document(OPERATIONS, WIRES["0.3.0"])
PAGE = swagger_page(DOCUMENT).decode()


class Elements(HTMLParser):
    """Collects tags with their attributes, and the text inside each script and style."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        """Keep a tag."""
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        """Keep the text of the element that was opened last."""
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.texts.append((self.tags[-1][0], text))


def test_the_page_has_the_elements_of_its_template_and_no_others():
    """Nothing in the bundle or the document ends a script or style early, or opens one."""
    assert [tag for tag, _ in Elements(PAGE).tags] == [
        *("html", "head", "meta", "meta", "meta", "title", "link", "style"),
        *("body", "div", "script", "script"),
    ]


def test_no_element_loads_anything():
    """The one link is the icon, in the page itself."""
    loading = [
        attributes[name]
        for _, attributes in Elements(PAGE).tags
        for name in ("src", "href", "srcset", "action", "data")
        if name in attributes
    ]
    assert len(loading) == 1
    assert loading[0].startswith("data:image/png;base64,iVBOR")


def test_no_style_loads_anything():
    """Every url() is a data URI, and nothing is imported."""
    styles = "".join(text for tag, text in Elements(PAGE).texts if tag == "style")
    addresses = re.findall(r"url\(\s*[\"']?([^)]{5})", styles)
    assert len(addresses) > 5
    assert set(addresses) == {"data:"}
    assert "@import" not in styles


def test_the_browser_is_told_to_ask_no_other_host():
    """The policy holds for whatever the bundle may try; validator and source maps are off besides."""
    policy = next(found["content"] for _, found in Elements(PAGE).tags if "http-equiv" in found)
    assert policy.split("; ")[0] == "default-src 'self'"
    assert not re.search(r"https?:|\*|ws:", policy)
    assert "validatorUrl: null" in PAGE
    assert "sourceMappingURL" not in PAGE


def test_the_document_is_embedded_whole():
    """As it stands at /openapi.json, but for the version that this Swagger UI knows."""
    embedded = json.JSONDecoder().raw_decode(PAGE, PAGE.index("spec: ") + len("spec: "))[0]
    assert embedded == {**json.loads(json.dumps(DOCUMENT)), "openapi": "3.0.3"}


@pytest.mark.parametrize("text", ["</script>", "</SCRIPT >", "<!-- ", "<script>", "$style"])
def test_a_document_cannot_break_out_of_its_script(text):
    """What would end or open a script element is escaped, and reads the same afterwards."""
    info = {**DOCUMENT["info"], "description": text}
    page = swagger_page({**DOCUMENT, "info": info}).decode()
    assert [tag for tag, _ in Elements(page).tags] == [tag for tag, _ in Elements(PAGE).tags]
    embedded = json.JSONDecoder().raw_decode(page, page.index("spec: ") + len("spec: "))[0]
    assert embedded["info"] == info


def test_the_oauth_page_is_small_and_loads_nothing():
    """It only talks to the window that opened it."""
    page = oauth_page().decode()
    assert len(page) < 5000
    assert [(tag, attributes) for tag, attributes in Elements(page).tags if "src" in attributes] == []
    assert "window.opener.swaggerUIRedirectOauth2" in page


async def test_a_secret_that_was_set_is_not_on_the_page(client_for):
    """The page fills in what is published; a secret of one's own has to be typed."""
    published, own = await client_for(), await client_for(admin_secret="mysecret7")

    filled = re.findall(r"Object\.entries\((\{.*?\})\)", (await published.get("/")).text)
    page = (await own.get("/")).text

    assert [json.loads(found)["admin_secret"] for found in filled] == ["adminsecret1"]
    assert [sorted(json.loads(found)) for found in re.findall(r"Object\.entries\((\{.*?\})\)", page)] == [
        ["admin_id", "client_id", "client_secret"]
    ]
    assert "mysecret7" not in page
