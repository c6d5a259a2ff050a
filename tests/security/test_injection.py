"""SQL in every text that a request can carry (contract D3, S2): each answer and each row is that of an unknown name.

The real servers hand out every tenant's keys and administrators to it, and 0.1.0 lets it change any table.
"""

import http.client
import json
import re
import sqlite3
from contextlib import closing
from urllib.parse import quote, urlencode

import pytest
from msgspec.structs import fields

from app.main import OPERATIONS
from tests.seeded import ADMIN
from tests.seeded import CALLER as CLIENT
from tests.servers import STANDARD, running

OR = "x' OR '1'='1"
UNION = (
    "x' UNION SELECT id, tenant, admin_user, admin_secret, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 FROM admin -- y"
)
STACKED = "x'; UPDATE admin SET admin_secret = ''; DELETE FROM pubkeys; -- y"
QUOTED = 'x" OR ""="'
UNKNOWN = "x of this name is nobody"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?")
MODES = [(version, quirks) for version in ("0.3.0", "0.1.0") for quirks in ("intended", "real")]
BASE = {
    "tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1", "tms_user_id": "testuser1",
    "host": "testhost1", "host_account": "testhostaccount1", "app_name": "a", "app_version": "1", "key_type": "ed25519",
    "user": "testhostaccount1", "user_uid": "1", "num_uses": -1, "ttl_minutes": -1, "enabled": True, "addr": "10.0.0.1",
    "public_key_fingerprint": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw", "resid": "r", "parent_resid": "r",
    "max_uses": 1, "seqno": "1", "id": "1",
}  # fmt: skip
OTHERS = [
    ("POST", "/oauth2/device_authorization", {"client_id": "{}", "scope": "{}"}),
    ("POST", "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": "{}", "client_id": "device-public"}),
    ("POST", "/oauth2/token", {"grant_type": "authorization_code", "code": "{}", "client_id": "device-public"}),
    ("POST", "/oauth2/introspect", {"token": "{}", "client_id": "testclient1", "client_secret": "secret1"}),
    ("POST", "/oauth2/introspect", {"token": "t", "client_id": "testclient1", "client_secret": "{}"}),
    ("GET", "/oauth2/authorize", {"client_id": "{}", "response_type": "code"}),
    ("POST", "/v3/oauth2/tokens", {"grant_type": "password", "username": "{}", "password": "{}"}),
    ("GET", "/v3/oauth2/login", {"client_id": "{}"}),
    ("GET", "/v3/tenants/{}", None),
    ("GET", "/_standin/records", {"table": "pubkeys", "search": "{}"}),
    ("GET", "/_standin/journal", {"operation": "{}"}),
    ("GET", "/_standin/device/{}", None),
]


class Victim:
    """A running server, its chance repeated, so that equal requests have equal answers."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.database = server.database_path

    def ask(self, method, path, headers=None, body=None):
        """Return status and text; a connection that was dropped has the status 0."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            return answer.status, answer.read().decode()
        except (http.client.HTTPException, ConnectionError):
            self.connection.close()
            return 0, ""

    def json(self, method, path, headers=None, **body):
        """Return the members of an answer, which is no refusal."""
        status, text = self.ask(method, path, headers, json.dumps(body))
        assert status in (200, 201), text
        return json.loads(text)

    def begin(self, version, quirks):
        """Go back to the seed in these modes."""
        self.json("PATCH", "/_standin/settings", wire_version=version, quirks=quirks)
        self.json("POST", "/_standin/reset")

    def rows(self):
        """Return every row of every table as text."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: [repr(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in tables}


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    """A server for all of these tests."""
    with running(tmp_path_factory.mktemp("victim"), random_seed=7, **STANDARD) as server:
        victim = Victim(server)
        yield victim
        victim.connection.close()


def requests(text):
    """Yield every request of the API with `text` in one of its places, all else being right, and of its neighbours."""
    for operation in OPERATIONS:
        body = {field.name: BASE[field.name] for field in fields(operation.body)} if operation.body else {}
        texts = [name for name, value in body.items() if isinstance(value, str)]
        places = [*operation.path_parameters, *texts, *dict.fromkeys(operation.query_parameters, 0), *ADMIN, *CLIENT]
        for place in places:
            values = {**BASE, place: text}
            path = operation.path.format(**{name: quote(values[name], safe="") for name in operation.path_parameters})
            query = f"?{urlencode({place: text})}" if place in operation.query_parameters else ""
            headers = CLIENT if operation.gate.headers == tuple(CLIENT) else ADMIN
            sent = {**headers, place: text} if place in headers else headers
            yield operation.method, path + query, sent, json.dumps({name: values[name] for name in body})
    for method, path, parameters in OTHERS:
        form = urlencode({name: value.replace("{}", text) for name, value in (parameters or {}).items()})
        where = path.replace("{}", quote(text, safe=""))
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        yield (method, where, sent, form) if method == "POST" else (method, f"{where}?{form}", {}, None)


def told(text, name):
    """Return a text in which a name, in whatever spelling, is called NAME."""
    spellings = {name, json.dumps(name)[1:-1], quote(name, safe=""), quote(name), urlencode({"": name})[1:]}
    spellings |= {name.replace("'", "&#39;").replace('"', "&#34;"), repr(name)[1:-1], name.replace('"', "")}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, "NAME")
    return MOMENT.sub("MOMENT", text)


def outcome(victim, mode, text):
    """Return what all requests with a text are answered in a mode, and the rows that they leave."""
    victim.begin(*mode)
    answers = []
    for request in requests(text):
        status, body = victim.ask(*request)
        answers.append((request[:2], status, told(body, text)))
    rows = {name: [told(row, text) for row in rows] for name, rows in victim.rows().items()}
    return [(told(" ".join(which), text), status, body) for which, status, body in answers], rows


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_every_place_of_every_request(victim, mode):
    """What SQL means is nothing here: it is a name that nobody has, whether it is asked for or stored."""
    expected = outcome(victim, mode, UNKNOWN)
    assert len(expected[0]) > 200
    for text in (OR, STACKED) if mode == MODES[0] else (STACKED,):
        answers, rows = outcome(victim, mode, text)
        different = [pair for pair in zip(answers, expected[0], strict=True) if pair[0] != pair[1]]
        assert different == []
        assert rows == expected[1]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize("name", [OR, UNION, STACKED, QUOTED])
def test_the_published_attack(victim, mode, name):
    """Register, authenticate, read (S2): the client exists under its odd name and sees nothing but itself."""
    victim.begin(*mode)
    before = victim.rows()
    made = victim.json("POST", "/v1/tms/client", client_id=name, tenant="test", app_name="a", app_version="1")
    own = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": name, "X-TMS-CLIENT-SECRET": made["client_secret"]}
    status, keys = victim.ask("GET", "/v1/tms/pubkeys/list", own)
    assert (status, json.loads(keys)["num_pubkeys"], json.loads(keys)["pubkeys"]) == (200, 0, [])
    assert victim.ask("GET", "/v1/tms/pubkeys/id/1", own)[0] == 404
    status, clients = victim.ask("GET", "/v1/tms/client/list", own)
    if mode == ("0.3.0", "real"):
        assert (status, clients) == (0, "")  # D2: the connection is dropped.
    else:
        assert [client["client_id"] for client in json.loads(clients)["clients"]] == [name]
    after = victim.rows()
    assert after.pop("clients")[:-1] == before.pop("clients")
    assert after.pop("sqlite_sequence") != before.pop("sqlite_sequence")
    assert after == before


def test_the_texts_are_what_they_are_taken_for(victim):
    """Pasted between quotes they do what they are sent for, so that nothing found above means something."""
    victim.begin(*MODES[0])
    with closing(sqlite3.connect(":memory:")) as copy:
        with closing(sqlite3.connect(f"file:{victim.database}?mode=ro", uri=True)) as stored:
            stored.backup(copy)
        nobody = copy.execute("SELECT * FROM pubkeys WHERE client_id = 'nobody'").fetchall()
        everybody = copy.execute(f"SELECT * FROM pubkeys WHERE client_id = '{OR}'").fetchall()
        quoted = copy.execute(f'SELECT * FROM pubkeys WHERE client_id = "{QUOTED}"').fetchall()
        hashes = {row[3] for row in copy.execute(f"SELECT * FROM pubkeys WHERE client_id = '{UNION}'")}
        assert (nobody, len(everybody), len(quoted)) == ([], 1, 1)
        assert hashes == {row[0] for row in copy.execute("SELECT admin_secret FROM admin")}
        copy.executescript(f"SELECT * FROM pubkeys WHERE client_id = '{STACKED}'")
        assert copy.execute("SELECT count(*) FROM pubkeys").fetchone() == (0,)
        assert {row[0] for row in copy.execute("SELECT admin_secret FROM admin")} == {""}
