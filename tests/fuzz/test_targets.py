"""The short form of `make fuzz`: the same input for every reader in every run."""

import pytest

from app import bodies, routes, serde_json
from app.errors import FrameworkRefusal
from app.journal import redaction
from app.sqlite import image
from tests.fuzz import generated
from tests.fuzz.targets import bodies as of_bodies
from tests.fuzz.targets import control, files, texts
from tests.fuzz.targets.all import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_real_input(name):
    """Every example and every piece holds."""
    target = TARGETS[name]
    for data in (*target.examples, *target.tokens, b""):
        target.check(data)


@pytest.mark.parametrize("name", TARGETS)
def test_made_up_input(name):
    """So does what hypothesis makes of them."""
    outcome = generated.fed(TARGETS[name], 0, 1, rounds=1, examples=40)
    assert outcome.finds == ()
    assert outcome.cases >= 30


BASIC = b"Basic dGVzdGNsaWVudDE6c2VjcmV0MQ=="


@pytest.mark.parametrize(
    ("check", "data", "module", "name", "broken"),
    [
        (of_bodies.json_reader, b"[1]", serde_json, "parse", lambda _raw: [2]),
        (of_bodies.json_reader, b"nul", serde_json, "parse", lambda _raw: None),
        (of_bodies.body, b'\0{"a":1}', bodies.BodyDecoder, "_ordinary", lambda _self, _raw: "anything"),
        (of_bodies.content_type, b"text/html", of_bodies, "check_content_type", lambda _headers: None),
        (of_bodies.path, b"GET /v1/tms/pubkeys/id/7", of_bodies, "path_value", lambda *_: 8),
        (of_bodies.path, b"GET /v1/tms/hello?name=a", of_bodies, "query_values", lambda *_: {"name": "b"}),
        (of_bodies.path, b"GET /", routes.Routes, "find", lambda *_: 1 / 0),
        (texts.version_requirement, b"v1", texts, "check", lambda _text: None),
        (texts.form, b"a=b", texts, "pairs_of", lambda _encoded: [("a", "c")]),
        (texts.addresses, b"a", texts, "host_of", lambda _headers: "b"),
        (texts.cookies, b"x=1", texts, "cookie_of", lambda *_: "2"),
        (texts.credentials, BASIC, texts, "_basic", lambda _header: 1 / 0),
        (files.snapshot, b"", image, "_opened", lambda _path: 1 / 0),
        (files.settings, b"[", files.Settings, "load", lambda *_: 1 / 0),
        (files.seed, b"", files, "plant", lambda *_args, **_named: 1 / 0),
        (control.faults, b"{}", control, "_wish", None),
        (control.public_key, control._KEY.encode(), control, "_fingerprint", lambda _text: "another"),
        (control.redaction, b"$", redaction, "is_secret", lambda _name: False),
        (control.journal, b"\n{}", control, "archive", lambda *_: {1: object()}),
    ],
)
def test_a_broken_reader(monkeypatch, check, data, module, name, broken):
    """What reads wrongly, or raises what is no refusal, is told."""
    check(data)
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(Exception) as told:
        check(data)
    assert not isinstance(told.value, FrameworkRefusal)
