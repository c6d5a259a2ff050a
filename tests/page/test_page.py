"""The page itself: every section, escaped, with strict headers, and its files."""

import sqlite3

import pytest

from app.page.page import LAYOUT, TITLES
from app.page.render import HEADERS, MEDIA_TYPES, static
from app.page.sections import SECTIONS
from tests.control.conftest import problem
from tests.page.conftest import CLIENT, DO, PAGE, alerts, do, section, words

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


async def test_the_whole_page(standin):
    """Each section once, under its title, nothing amiss; headers that let nobody else in."""
    answer = await standin.http.get(PAGE)
    assert (answer.status_code, alerts(answer)) == (200, [])
    placed = [name for columns in LAYOUT for column in columns for name in column]
    assert sorted(placed) == sorted(TITLES) == sorted(SECTIONS)
    for name, title in TITLES.items():
        assert answer.text.count(f'<section id="{name}"') == 1
        assert title in words(section(answer, name))
    assert answer.headers["content-security-policy"] == POLICY
    assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-store")
    assert answer.headers["referrer-policy"] == "same-origin"
    for foreign in ("http://", "https://", "//", " style=", "<style", "onclick", "<script>"):
        assert foreign not in answer.text.replace("http://standin", "")


async def test_what_the_sections_show(standin):
    """Figures, codes, names, rows."""
    flow = await standin.begin(scope="openid")
    await standin.http.get("/v1/tms/version")
    await standin.http.get("/v1/tms/client/testclient1")
    answer = await standin.http.get(PAGE)
    traffic = words(section(answer, "traffic"))
    assert "Since the start 3" in traffic
    assert "get_version" in traffic
    assert flow["user_code"] in words(section(answer, "device"))
    assert "0 polls" in words(section(answer, "device"))
    assert "client testclient1 secret secret1" in words(section(answer, "names"))
    assert 'export TMS_URL="http://standin"' in words(section(answer, "names"))
    assert "The journal is off." in words(section(answer, "requests"))
    assert "testhostaccount1" in words(section(answer, "records"))


async def test_the_last_requests(standin):
    """The newest first, with what came and went, secrets hidden, and a hint where one is known."""
    await do(standin, "journal", value="true")
    await standin.http.get("/v1/tms/client/testclient1", headers=CLIENT)
    body = {
        "user": "u",
        "user_uid": "1",
        "host": "elsewhere",
        "public_key_fingerprint": "SHA256:x",
        "keytype": "ed25519",
    }
    await standin.http.post("/v1/tms/pubkeys/creds/retrieve", json=body)
    shown = section(await standin.http.get(PAGE), "requests")
    text = words(shown)
    assert text.index("retrieve_key") < text.index("get_client")
    assert "elsewhere" in text
    assert "secret1" not in text
    assert 'class="note"' in shown


async def test_long_bodies_are_cut(standin):
    """The journal has them whole."""
    await do(standin, "journal", value="true")
    await standin.http.get("/spec")
    shown = section(await standin.http.get(PAGE), "requests")
    assert len(shown) < 9_000


async def test_records_are_searched(standin):
    """As GET records does; its refusal is shown."""
    answer = await standin.http.get(PAGE, params={"table": "oauth_users", "search": "user2"})
    shown = words(section(answer, "records"))
    assert ("testuser2" in shown, "testuser1" in shown) == (True, False)
    answer = await standin.http.get(PAGE, params={"table": "oauth_users", "search": "nobody"})
    assert "No row holds this." in words(section(answer, "records"))
    answer = await standin.http.get(PAGE, params={"table": "none"})
    assert (answer.status_code, alerts(answer)[0][:13]) == (200, "table must be")


async def test_pages_of_records(standin):
    """Links lead to older rows and back."""
    key = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": 1}
    for _ in range(20):
        await standin.http.post("/v1/tms/pubkeys/creds", json={**key, "ttl_minutes": 1}, headers=CLIENT)
    first = words(section(await standin.http.get(PAGE), "records"))
    last = words(section(await standin.http.get(PAGE, params={"offset": "20"}), "records"))
    assert first.endswith("1 to 20 Older")
    assert last.endswith("Newer 21 to 21")


async def test_nothing_that_others_name_becomes_markup(standin):
    """Names from outside are escaped wherever they stand."""
    evil = "<script>alert(1)</script>"
    await standin.http.post(
        "/v1/tms/hosts", json={"tenant": "test", "host": evil, "addr": evil}, headers={"x-tms-tenant": "test"}
    )
    await do(standin, "journal", value="true")
    await standin.http.get(f"/v1/tms/client/{evil}", headers={**CLIENT, "x-evil": evil})
    answer = await standin.http.get(PAGE, params={"told": evil, "search": evil, "table": "hosts"})
    assert evil not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_one_section(standin):
    """Alone; an unknown one is refused."""
    answer = await standin.http.get("/_standin/page/sections/modes")
    assert answer.text.lstrip().startswith('<section id="modes"')
    assert answer.headers["content-security-policy"] == POLICY
    answer = await standin.http.get("/_standin/page/sections/none")
    problem(answer, 404, "Not Found", f"There is no section called none; there are {', '.join(SECTIONS)}.")


async def test_an_unknown_form(standin):
    """Refused, whatever it holds."""
    answer = await standin.http.post(f"{DO}/none", data={"a": "b"})
    assert (answer.status_code, answer.json()["detail"][:30]) == (404, "There is no form called none; ")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"&".join(b"a%d=1" % n for n in range(21)), 400), (b"\xff=%ff&value=true", 422), (b"", 422)],
)
async def test_a_damaged_form(standin, body, status):
    """Changes nothing."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await standin.http.post(f"{DO}/mode", content=body, headers=headers)
    assert answer.status_code == status
    assert not standin.parts.modes.strict


@pytest.mark.parametrize("name", MEDIA_TYPES)
async def test_a_file(standin, name):
    """Its own type; the address changes with it, so it may be kept."""
    answer = await standin.http.get(f"/_standin/page/static/{name}")
    assert (answer.status_code, answer.content) == (200, static(name))
    assert answer.headers["content-type"] == MEDIA_TYPES[name]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == HEADERS["x-content-type-options"] == "nosniff"


async def test_no_other_file(standin):
    """Neither one beside them, nor one above."""
    for name in ("NOTICE.txt", "none.js", "..%2f__init__.py", "%2e%2e%2frender.py"):
        answer = await standin.http.get(f"/_standin/page/static/{name}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_database_that_does_not_answer(standin_for, tmp_path):
    """The page comes all the same, and says it where rows would stand."""
    path = tmp_path / "tms.db"
    standin = await standin_for(database=f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE device_flows RENAME TO gone")
    connection.close()
    answer = await standin.http.get(PAGE)
    sentence = "The database does not answer, try again."
    assert (answer.status_code, alerts(answer)) == (200, [sentence, sentence])
    assert sentence in words(section(answer, "device"))
    assert sentence in words(section(answer, "records"))
