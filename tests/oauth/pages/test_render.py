"""The headers of a page, the one stylesheet, and what happens to text that is no good HTML."""

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from app.oauth.pages import approved_page, error_page
from app.oauth.pages.render import headers, render

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "app" / "oauth" / "pages" / "templates"
STYLE = re.findall(r"<style>(.*?)</style>", approved_page().decode(), re.DOTALL)
COLOURS = [
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})\b", scheme))
    for scheme in re.findall(r":root \{(.*?)\}", "".join(STYLE), re.DOTALL)
]
# Text on ground (WCAG 1.4.3: 4.5) and edges of controls on ground (1.4.11: 3).
TEXTS = [
    *[("ink", ground) for ground in ("ground", "card", "tint")],
    *[("soft", ground) for ground in ("ground", "card")],
    *[("accent", "card"), ("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-tint", "tint")],
    *[("on-warn", "warn"), ("on-bad", "bad"), ("on-bad", "card")],
]
EDGES = [("edge", "card"), ("accent", "ground")]


def policy(source):
    """Return the policy of a page whose form may lead to `source`."""
    digest = base64.b64encode(hashlib.sha256(STYLE[0].encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action {source}; "
        "frame-ancestors 'none'; base-uri 'none'"
    ).encode()


def luminance(colour):
    """Return the relative luminance of #rgb or #rrggbb, as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """Return the contrast of two colours, as WCAG 2 defines it."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_page_forbids_frames_referrers_guessed_types_and_caches():
    """The headers are UI-19's and SEC-10's, and the policy names the very stylesheet that stands in the page."""
    assert headers() == [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy("'self'")),
    ]


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("https://app.example.org/callback?a=b", "'self' https://app.example.org"),
        ("http://localhost:5173/callback", "'self' http://localhost:5173"),
        ("http://127.0.0.1:8400", "'self' http://127.0.0.1:8400"),
        ("http://[::1]:8400/callback", "'self' http:"),
        ("org.example.app:/callback", "'self' org.example.app:"),
        ("http://host;script-src *", "'self' http:"),
        ("https://host https://other", "'self' https:"),
        ("https://host\r\nset-cookie: a=b", "'self' https:"),
        ("/callback", "'self'"),
        ("ht tp://host", "'self'"),
        ("http://[::1", "'self'"),
        ("", "'self'"),
        (None, "'self'"),
    ],
)
def test_a_form_may_lead_to_the_redirect_and_nothing_else_gets_into_the_policy(redirect_uri, source):
    """Chromium asks `form-action` about the redirect behind a form; what a policy cannot name is named by its scheme."""
    assert headers(redirect_uri)[-1] == (b"content-security-policy", policy(source))


def test_the_stylesheet_asks_nobody_for_anything():
    """There is one, it is the file, and what it refers to it brings along."""
    assert [(FOLDER / "style.css").read_text()] == STYLE
    assert "@import" not in STYLE[0]
    assert [target for target in re.findall(r"url\(([^)]{0,12})", STYLE[0]) if not target.startswith('"data:')] == []


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_has_enough_contrast(scheme):
    """Text has 4.5 to 1 on what lies below it, edges and the ring of the focus have 3 to 1."""
    colours = COLOURS[scheme]
    found = {(*pair, least): contrast(*(colours[name] for name in pair)) for pair, least in wanted()}

    assert {pair: round(value, 2) for pair, value in found.items() if value < pair[2]} == {}


def wanted():
    """Return pairs of colours with their least contrast."""
    return [*[(pair, 4.5) for pair in TEXTS], *[(pair, 3) for pair in EDGES]]


def test_the_measure_of_contrast_is_the_standards():
    """Black on white has 21 to 1, and #767676 is the lightest grey that passes on white."""
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") < 4.5 < contrast("#767676", "#ffffff")


def test_motion_and_colours_of_the_system_are_respected():
    """Whoever wants no motion gets none, and forced colours keep the edges."""
    assert {"(prefers-reduced-motion: reduce)", "(prefers-color-scheme: dark)", "(forced-colors: active)"} <= set(
        re.findall(r"@media (\([a-z-]+: [a-z]+\))", STYLE[0])
    )


def test_text_that_utf8_cannot_hold_is_shown_as_far_as_it_can_be():
    """Half a surrogate pair, as a decoder may leave it behind, is no reason to fail."""
    assert "<h1>broken ? text</h1>" in error_page(title="broken \ud800 text", sentence="").decode()


def test_a_forgotten_value_is_an_error():
    """A template that is not given what it shows fails, instead of showing nothing."""
    with pytest.raises(UndefinedError, match="'title' is undefined"):
        render("error", sentence="Something went wrong")


def test_a_start_does_not_pay_for_pages():
    """Neither Jinja nor the maker of QR codes is imported before the first page."""
    program = "import sys, app.oauth.pages; print(sorted({'jinja2', 'segno'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_wheel_brings_every_template():
    """Whatever lies beside the pages' code is among the data of the package."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package = FOLDER.parent
    packed = {
        file for pattern in setuptools["package-data"]["tms_standin.oauth.pages"] for file in package.glob(pattern)
    }

    assert "tms_standin.oauth.pages" in setuptools["packages"]
    assert packed == {file for file in package.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
