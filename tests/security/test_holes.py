"""Ways in that an attacker tries first, each closed: rebinding, seeds that are no files, snapshots with code."""

import base64
import json
import os
import sqlite3
import stat
from contextlib import closing

import httpx
import pytest

from app.journal.redaction import HIDDEN, Redaction
from tests.control.conftest import problem, wrong
from tests.servers import STANDARD, running
from tests.tapis.driver import access, bearing, log_in, make_client

CLOCK, RESET = "/_standin/clock", "/_standin/reset"
STRANGER = (
    "Without standin.control_token the control plane answers to localhost, addresses, names of one label, names that "
    "are never public, such as host.docker.internal, and those of the settings; the Host header has another name."
)
NO_SEED = "standin.seed must be standard, empty or the path of a TOML file"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.nip.io", "a..b"]
)
async def test_dns_rebinding(standin, host):
    """A page whose own name leads to this machine can neither read nor reset: the origin it sends is the server's own."""
    before = await standin.rows()
    own = {"host": host, "origin": f"http://{host}"}
    for headers in ({"host": host}, own, {"host": host, "sec-fetch-site": "same-origin"}):
        problem(await standin.http.get(CLOCK, headers=headers), 403, "Forbidden", STRANGER)
        problem(await standin.http.post(RESET, json={}, headers=headers), 403, "Forbidden", STRANGER)
        problem(await standin.http.get("/_standin/", headers=headers), 403, "Forbidden", STRANGER)
    assert await standin.rows() == before


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:3000", "LOCALHOST", "standin.localhost", "127.0.0.1:1", "10.1.2.3", "[::1]:3000", "[fe80::1]"),
        *("tms-standin", "tms_standin:3000", "host.docker.internal", "standin.default.svc.cluster.local", "a.test."),
    ],
)
async def test_names_that_no_stranger_can_have(standin, host):
    """Addresses, names of one label and names below a reserved one: they cannot lead to this machine from outside."""
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        assert (await standin.http.get(CLOCK, headers=headers)).status_code == 200


async def test_names_of_the_settings(standin_for):
    """The address it listens on, its issuer and its Tapis tenants."""
    tapis = {"tenants": [{"tenant_id": "astro", "hosts": ["astro.tapis.example"]}]}
    standin = await standin_for(host="standin.example", oauth={"issuer": "https://login.example:8443"}, tapis=tapis)
    for host in ("standin.example:3000", "login.example", "ASTRO.tapis.example"):
        assert (await standin.http.get(CLOCK, headers={"host": host})).status_code == 200


async def test_with_a_token_any_name_is_good(standin_for):
    """Nobody's page knows the token, nor has it the cookie."""
    standin = await standin_for(control_token="t0ken")
    headers = {"host": "standin.example", "authorization": "Bearer t0ken"}
    assert (await standin.http.get(CLOCK, headers=headers)).status_code == 200
    assert (await standin.http.get(CLOCK, headers={"host": "standin.example"})).status_code == 401


async def test_a_seed_that_would_never_end(standin, tmp_path):
    """Neither a device nor a pipe is opened, which would fill the memory or hold a thread for ever; no huge file is."""
    pipe, huge = tmp_path / "pipe", tmp_path / "huge.toml"
    os.mkfifo(pipe)
    with huge.open("wb") as file:
        file.truncate(64 * 1024**2 + 1)
    reasons = {"/dev/zero": "It is no regular file", str(pipe): "It is no regular file"}
    for path, reason in (reasons | {str(huge): "It is larger than 67108864 bytes"}).items():
        told = f"cannot be planted: The seed file {path} cannot be read ({reason}); {NO_SEED}"
        wrong(await standin.http.post(RESET, json={"seed": path}), "seed", told)


async def test_a_seed_that_is_somebody_elses_file(standin, tmp_path):
    """What stands in it is not repeated: the refusal tells a place, or the name of a table."""
    for text in (
        "root:x:0:0:h1dden:/root\n",
        "[h1dden\n",
        'tenants = "h1dden"\n',
        '[[tenants]]\ntenant = "\\h1dden"\n',
    ):
        path = tmp_path / "theirs"
        path.write_text(text)
        answer = await standin.http.post(RESET, json={"seed": str(path)})
        assert answer.status_code == 422
        assert "h1dden" not in answer.text


TRIGGER = "CREATE TRIGGER t AFTER INSERT ON pubkeys BEGIN DELETE FROM clients; END"


@pytest.mark.parametrize(
    "change",
    [
        TRIGGER,
        "CREATE VIEW v AS SELECT * FROM clients",
        "CREATE TABLE own (a)",
        "ALTER TABLE hosts ADD COLUMN own TEXT",
        "ALTER TABLE hosts ADD COLUMN own AS (hex(zeroblob(1000000000)))",
        "ALTER TABLE hosts DROP COLUMN addr",
        "DROP TABLE oauth_failures",
        "CREATE INDEX own ON hosts (hex(zeroblob(length(host))))",
        "CREATE VIRTUAL TABLE own USING fts5(a)",
    ],
)
async def test_a_snapshot_with_a_strangers_schema(standin_for, tmp_path, change):
    """It is not taken in, and one that somebody put into the folder is not restored: its code would run here."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    assert (await standin.http.put("/_standin/snapshots/mine")).status_code == 200
    file, kept = tmp_path / "theirs.sqlite", await standin.http.get("/_standin/snapshots/mine")
    file.write_bytes(kept.content)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DROP INDEX IF EXISTS hosts_idx")
        try:
            connection.execute(change)
        except sqlite3.OperationalError as error:  # A column of a key cannot be dropped; another one can.
            assert "cannot drop" in str(error) or "error in" in str(error), error
            connection.execute("ALTER TABLE oauth_secrets DROP COLUMN secret")
    answer = await standin.http.put("/_standin/snapshots/theirs", content=file.read_bytes())
    expected = "The snapshot cannot be used: it holds other tables, views or triggers than a stand-in's."
    problem(answer, 422, "Unprocessable Entity", expected)
    (tmp_path / "tms.db-snapshots" / "mine.sqlite").write_bytes(file.read_bytes())
    problem(await standin.http.post("/_standin/snapshots/mine/restore"), 422, "Unprocessable Entity", expected)
    assert (await standin.http.get("/v1/tms/version")).status_code == 200


def test_files_beside_the_database_are_the_owners_alone(tmp_path):
    """Nobody else on the machine reads keys and secrets: the database, its WAL, journal, state, metrics, snapshots."""
    before = os.umask(0)
    try:
        with running(tmp_path, tls=True, **STANDARD) as server:
            with httpx.Client(base_url=server.url, verify=False) as http:
                http.patch("/_standin/settings", json={"journal": True})
                http.get("/v1/tms/version")
                http.put("/_standin/snapshots/one")
                http.get("/_standin/journal")
            modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    finally:
        os.umask(before)
    open_to_others = {name for name, mode in modes.items() if mode & 0o077}
    # What the test itself redirects, what clients have to read, and the folder that it stands in.
    assert open_to_others == {server.log_path.name, "tls", "tls/ca.pem"}
    names = {"tms.db", "tms.db-wal", "tms.db-shm", "tms.db-requests", "tms.db-steering", "tms.db-steering.json"}
    assert names | {"tms.db-snapshots/one.sqlite", "tls/server.pem", "tms.db-metrics-0"} <= set(modes)


async def test_no_header_ends_within_a_value(standin):
    """A line break in a callback, a redirect or a Host begins no other header (response splitting)."""
    token = await access(standin)
    split = "https://there.example/\r\nX-Injected: yes"
    made = await make_client(standin, callback_url=split)
    page = await log_in(standin, client_id=made["client_id"], response_type="code", redirect_uri=split, state="s")
    query = {"client_id": made["client_id"], "response_type": "code", "redirect_uri": split}
    answers = [
        page,
        await standin.http.get("/v3/oauth2/logout", params={"redirect_url": split}),
        await standin.http.get("/v3/oauth2/authorize", params=query),
        await standin.http.get("/v3/oauth2/userinfo", headers=bearing(token)),
        await standin.http.get("/oauth2/authorize", params={**query, "client_id": "device-public"}),
        await standin.http.get("/_standin/", params={"told": split}),
    ]
    for answer in answers:
        assert "x-injected" not in answer.headers
        assert not [value for value in answer.headers.values() if "\r" in value or "\n" in value]


async def test_a_page_escapes_what_it_is_given(standin):
    """Names of clients, what a form has done, and the Host come out as text."""
    evil = "<script>alert(1)</script>"
    made = await make_client(standin, callback_url="https://there.example/", display_name=evil)
    query = {"client_id": made["client_id"], "response_type": "code", "redirect_uri": "https://there.example/"}
    pages = [
        await standin.http.get("/v3/oauth2/login", params=query),
        await standin.http.get("/_standin/", params={"told": evil, "table": "oauth_clients", "search": evil}),
        await standin.http.get("/device", params={"user_code": evil}),
    ]
    for page in pages:
        assert "alert(1)" in page.text
        assert evil not in page.text


@pytest.mark.parametrize("text", ["eyJ" * 500_000, "-eyJ" * 500_000, "eyJaaaaa." * 90_000, "-----BEGIN " * 90_000])
def test_redaction_reads_a_text_once(text):
    """No text makes the journal slow: one of 1.5 million letters, read again from each of them, would take an hour."""
    assert Redaction().text(f"{text} eyJhead12.payload.signature") != f"{text} eyJhead12.payload.signature"
    assert Redaction().text("x eyJhead12.payload.signature y") == f"x {HIDDEN} y"
    assert Redaction().text("glued_eyJhead12.payload.signature y") == f"glued_{HIDDEN} y"


async def test_a_snapshots_name_is_no_path(standin):
    """Nothing beside the folder is read, written or taken away, and a NUL ends no name."""
    for name in ("..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b", ".hidden", "a" * 65, "%2Fetc%2Fpasswd"):
        for method in ("GET", "PUT", "DELETE"):
            assert (await standin.http.request(method, f"/_standin/snapshots/{name}")).status_code in (404, 422)
    assert (await standin.http.get("/_standin/snapshots")).json() == {"snapshots": []}


async def test_a_token_signed_by_nobody(standin):
    """No algorithm, another one, another key's id, and a key that comes along: none of them is believed."""
    tokens = await standin.tokens()
    head, payload, signature = tokens["access_token"].split(".")
    for header in (
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256", "kid": "../../dev/null"},
        {"alg": "RS256", "jwk": {}},
    ):
        forged = f"{_part({'typ': 'at+jwt', **header})}.{payload}.{signature if header['alg'] != 'none' else ''}"
        assert (await standin.userinfo(forged)).status_code == 401
        assert await standin.introspect(forged) == {"active": False}
    assert (await standin.userinfo(f"{head}.{payload}.{signature}")).status_code == 200


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_who_says_to_come_from_elsewhere(standin_for):
    """X-Forwarded-For is not believed: it makes nobody another guesser, nor plain http a secure transport."""
    standin = await standin_for(oauth={"wrong_codes": 2})
    headers = [{"x-forwarded-for": f"10.0.0.{number}", "x-forwarded-proto": "https"} for number in range(4)]
    answers = [await standin.http.get("/device", params={"user_code": "BBBBBBBB"}, headers=each) for each in headers]
    assert [answer.status_code for answer in answers] == [400, 400, 429, 429]
    assert "__Host-" not in str(answers[0].headers["set-cookie"])


def test_the_start_shows_the_published_secret_alone(tmp_path):
    """A log goes anywhere: an administrator's secret of one's own is in no line of it."""
    with running(tmp_path, **STANDARD | {"admin_secret": "chosen-by-somebody"}) as server:
        assert "~~admin, with the secret set at the first start," in server.log()
        assert "chosen-by-somebody" not in server.log()
        assert "X_TMS_ADMIN_SECRET" not in server.log()
