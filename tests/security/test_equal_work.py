"""Whoever is refused has cost the same work, known or not: counted, since a time says nothing on a shared machine."""

import hmac

import pytest

from app import records
from tests.oauth.forms import Person
from tests.tapis.driver import basic

KEY = {"x-tms-tenant": "test"}
GET = "/v1/tms/client/testclient1"


@pytest.fixture
def work(monkeypatch):
    """Return the list of what was hashed and compared, by length; it grows while requests are answered."""
    done = []
    hash_of, compare = records.hash_of, hmac.compare_digest

    def noting_hash(secret):
        done.append("hash")
        return hash_of(secret)

    def noting_comparison(left, right):
        done.append(f"compare {len(left)} and {len(right)}")
        return compare(left, right)

    monkeypatch.setattr(records, "hash_of", noting_hash)
    monkeypatch.setattr(hmac, "compare_digest", noting_comparison)
    return done


async def cost(work, request):
    """Return the answer of a request and the work that it took."""
    work.clear()
    answer = await request
    return answer, list(work)


def client(client_id, secret):
    """Return the headers of a client."""
    return KEY | {"x-tms-client-id": client_id, "x-tms-client-secret": secret}


def admin(admin_id, secret):
    """Return the headers of an administrator."""
    return KEY | {"x-tms-admin-id": admin_id, "x-tms-admin-secret": secret}


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (client("testclient1", "wrong"), client("nobody", "wrong")),
        (admin("~~admin", "wrong"), admin("nobody", "wrong")),
        (client("testclient1", "wrong") | admin("~~admin", "wrong"), client("no", "wrong") | admin("no", "wrong")),
    ],
    ids=["client", "administrator", "both"],
)
async def test_tms(standin, work, known, unknown):
    """An unknown id and a wrong secret: the same answer, one hash and one comparison for each pair of headers."""
    wrong, first = await cost(work, standin.http.get(GET, headers=known))
    absent, second = await cost(work, standin.http.get(GET, headers=unknown))
    assert (wrong.status_code, wrong.content) == (absent.status_code, absent.content)
    assert wrong.status_code == 401
    assert first == second == ["hash", "compare 128 and 128"] * (len(known) // 2)


async def test_a_disabled_client(standin_for, work):
    """Where strict refuses it, it costs what an unknown one costs, whatever its secret."""
    standin = await standin_for(strict=True)
    path, headers = "/v1/tms/client/upd/testclient1?enabled=false", admin("~~admin", "adminsecret1")
    assert (await standin.http.patch(path, headers=headers)).status_code == 200
    right, first = await cost(work, standin.http.get(GET, headers=client("testclient1", "secret1")))
    absent, second = await cost(work, standin.http.get(GET, headers=client("nobody", "secret1")))
    assert (right.status_code, right.content) == (absent.status_code, absent.content)
    assert first == second == ["hash", "compare 128 and 128"]


async def test_the_login_page(standin, work):
    """The form for a password, under the protocol's own pages."""
    found = {}
    for username in ("testuser1", "nobody"):
        person = Person(standin)
        page, done = await cost(work, person.log_in(username, "wrong"))
        found[username] = (page.status, page.alert, done)
        await person.http.aclose()
    assert found["nobody"] == found["testuser1"]
    assert found["nobody"][:2] == (400, "The username or the password is wrong.")
    assert "hash" in found["nobody"][2]


@pytest.mark.parametrize("wrong", [{"username": "nobody"}, {"username": "TESTUSER1"}, {"username": "testuser2"}])
async def test_tapis_passwords(standin, work, wrong):
    """The password grant: one answer, one hash, for a wrong password, an unknown name, a name in capitals."""
    asked = {"grant_type": "password", "username": "testuser1", "password": "password1"}
    await standin.http.post("/v3/oauth2/tokens", json={**asked, "password": "x"})  # The first refusal is done twice.
    usual, first = await cost(work, standin.http.post("/v3/oauth2/tokens", json={**asked, "password": "wrong"}))
    other, second = await cost(work, standin.http.post("/v3/oauth2/tokens", json={**asked, **wrong}))
    assert (usual.status_code, usual.content) == (other.status_code, other.content)
    assert usual.json()["message"] == "Invalid username/password combination."
    assert first == second == ["hash", "compare 128 and 128"]


@pytest.mark.parametrize("client_id", ["nobody", "device-public"])
async def test_tapis_clients(standin, work, client_id):
    """A client that is unknown, or has no key at all, costs what a wrong key costs."""
    asked = {"grant_type": "password", "username": "testuser1", "password": "password1"}
    await standin.http.post("/v3/oauth2/tokens", json={**asked, "password": "x"})  # The first refusal is done twice.
    answers = {}
    for shown in ("testclient1", client_id):
        answer = await cost(work, standin.http.post("/v3/oauth2/tokens", json=asked, headers=basic(shown, "wrong")))
        answers[shown] = (answer[0].status_code, answer[0].text.replace(shown, "ID"), answer[1])
    assert answers["testclient1"] == answers[client_id]
    assert answers[client_id][2] == ["hash", "hash", "compare 128 and 128"]


async def test_the_control_token(standin_for, work):
    """A token of any length costs the same: both are hashed before they are compared."""
    standin = await standin_for(control_token="a-token")
    costs = []
    for token in ("", "a", "a-tokem", "a-token" * 100):
        answer, done = await cost(
            work, standin.http.get("/_standin/clock", headers={"authorization": f"Bearer {token}"})
        )
        costs.append((answer.status_code, done))
    assert costs == [(401, ["hash", "hash", "compare 128 and 128"])] * 4


def test_nobody_has_the_secret_of_nobody():
    """Even if somebody had a secret with that hash, it would be nobody's."""
    assert records.same_secret("anything", None) is False
    assert records.same_secret("s", records.hash_of("s")) is True
    assert (records.same_text("a", "a"), records.same_text("a", "aa"), records.same_text("", "")) == (True, False, True)
