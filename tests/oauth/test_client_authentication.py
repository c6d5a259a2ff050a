"""Who is the client (RFC 6749 2.3), at every endpoint that asks."""

import pytest

from tests.oauth.driver import CONFIDENTIAL, DEVICE_CODE, PUBLIC, SECRET, UNSEEN, basic, encoded, refused

PATH = "/oauth2/device_authorization"
ENDPOINTS = ["device_authorization", "token", "revoke", "introspect"]
everywhere = pytest.mark.parametrize("endpoint", ENDPOINTS)
CHALLENGE = 'Basic realm="tms-standin", charset="UTF-8"'


def asked(endpoint):
    """Return the parameters beside the client that an endpoint needs."""
    if endpoint == "token":
        return {"grant_type": DEVICE_CODE, "device_code": "x"}
    return {} if endpoint == "device_authorization" else {"token": "x"}


async def test_basic_and_body(standin):
    """Both are supported for clients with a secret (rows DA-09, OA-05)."""
    assert (await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET))).status_code == 200
    assert (await standin.post(PATH, client_id=CONFIDENTIAL, client_secret=SECRET)).status_code == 200
    named = await standin.post(PATH, client_id=CONFIDENTIAL, headers=basic(CONFIDENTIAL, SECRET))
    assert named.status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_the_scheme_in_any_letter_case(standin, scheme):
    """RFC 9110 11.1."""
    headers = {"authorization": f"{scheme} {encoded('testclient1:secret1')}"}
    assert (await standin.post(PATH, headers=headers)).status_code == 200


async def test_id_and_secret_are_form_encoded_before_base64(standin_for):
    """So that an id may hold a colon, and a secret anything (row OA-07)."""
    client = {"client_id": "a:b", "client_secret": "p%+ é"}
    standin = await standin_for(oauth={"clients": [client]})
    assert (await standin.post(PATH, headers=basic("a:b", "p%+ é"))).status_code == 200
    assert (await standin.post(PATH, **client)).status_code == 200
    by_hand = {"authorization": f"Basic {encoded('a%3Ab:p%25%2B+%C3%A9')}"}
    assert (await standin.post(PATH, headers=by_hand)).status_code == 200
    plain = {"authorization": f"Basic {encoded('a:b:p%+ é')}"}
    refused(await standin.post(PATH, headers=plain), 401, "invalid_client")


@everywhere
async def test_a_wrong_secret(standin, endpoint):
    """401, with the challenge of the scheme that was tried (row OA-09)."""
    before = await standin.rows(*UNSEEN)
    path = f"/oauth2/{endpoint}"
    by_header = await standin.post(path, headers=basic(CONFIDENTIAL, "wrong"), **asked(endpoint))
    by_body = await standin.post(path, client_id=CONFIDENTIAL, client_secret="wrong", **asked(endpoint))
    for answer in (by_header, by_body):
        refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"] == CHALLENGE
    assert await standin.rows(*UNSEEN) == before


@everywhere
async def test_two_ways_at_once(standin, endpoint):
    """Even where both are right (row OA-08)."""
    before = await standin.rows()
    answer = await standin.post(
        f"/oauth2/{endpoint}",
        headers=basic(CONFIDENTIAL, SECRET),
        client_id=CONFIDENTIAL,
        client_secret=SECRET,
        **asked(endpoint),
    )
    refused(answer, 400, "invalid_request")
    assert await standin.rows() == before


@everywhere
async def test_two_clients_at_once(standin, endpoint):
    """The header names one, the body another (row OA-13)."""
    answer = await standin.post(
        f"/oauth2/{endpoint}", headers=basic(CONFIDENTIAL, SECRET), client_id=PUBLIC, **asked(endpoint)
    )
    refused(answer, 400, "invalid_request")


@everywhere
async def test_two_authorization_headers(standin, endpoint):
    """Whichever comes first, and were both the same."""
    right, wrong = basic(CONFIDENTIAL, SECRET)["authorization"], basic(CONFIDENTIAL, "wrong")["authorization"]
    for values in ((right, wrong), (wrong, right), (right, right)):
        headers = [("authorization", value) for value in values]
        answer = await standin.post(f"/oauth2/{endpoint}", headers=headers, **asked(endpoint))
        refused(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    "value",
    [
        *("Basic", "Basic ", "Basic !", "Basic dGVzdGNsaWVudDE", "Basic dGVzdGNsaWVudDE=", "Basic w7/Dvw=="),
        *(f"Basic {encoded(text)}" for text in ("", ":", "nobody:secret1", "a%ff:b", "testclient1:a\0b", "a\0:b")),
        *("Basic /////w==", "Basic é", "Bearer x", "Digest username=testclient1", "testclient1:secret1"),
    ],
)
async def test_an_authorization_header_that_names_nobody(standin, value):
    """Not base64, no colon, not UTF-8, a NUL, another scheme: 401 with the challenge (row OA-09)."""
    answer = await standin.post(PATH, headers={"authorization": value.encode("latin-1")})
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert (await standin.rows())["device_flows"] == []


async def test_a_public_client(standin):
    """Its id is enough, in the body, or in a header without secret (rows DA-10, SEC-08)."""
    assert (await standin.post(PATH, client_id=PUBLIC)).status_code == 200
    assert (await standin.post(PATH, client_id=PUBLIC, client_secret="")).status_code == 200
    assert (await standin.post(PATH, headers=basic(PUBLIC, ""))).status_code == 200


async def test_a_public_client_with_a_secret(standin):
    """It has none, so that any is wrong."""
    refused(await standin.post(PATH, client_id=PUBLIC, client_secret="x"), 401, "invalid_client")
    refused(await standin.post(PATH, headers=basic(PUBLIC, "x")), 401, "invalid_client")


async def test_a_confidential_client_has_to_show_its_secret(standin):
    """Its id alone proves nothing; nor does an empty secret (row DA-09)."""
    refused(await standin.post(PATH, client_id=CONFIDENTIAL), 401, "invalid_client")
    refused(await standin.post(PATH, client_id=CONFIDENTIAL, client_secret=""), 401, "invalid_client")
    refused(await standin.post(PATH, headers=basic(CONFIDENTIAL, "")), 401, "invalid_client")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_may_be_held_to_one_way(standin_for, method):
    """The other one is refused, though the secret is right (design 2.5)."""
    client = {"client_id": "one", "client_secret": "s", "auth_methods": (method,)}
    standin = await standin_for(oauth={"clients": [client]})
    by_header = await standin.post(PATH, headers=basic("one", "s"))
    by_body = await standin.post(PATH, client_id="one", client_secret="s")
    right, wrong = (by_header, by_body) if method == "client_secret_basic" else (by_body, by_header)
    assert right.status_code == 200
    refused(wrong, 401, "invalid_client")


async def test_the_secret_in_the_query(standin):
    """It is refused even if it is right, and nothing begins (row OA-06)."""
    for query in ("client_secret=secret1", "client_id=testclient1&client_secret=secret1"):
        answer = await standin.http.post(f"{PATH}?{query}", data={"client_id": CONFIDENTIAL})
        assert "secret1" not in refused(answer, 400, "invalid_request")
    assert (await standin.rows())["device_flows"] == []


async def test_guessing_a_secret_is_limited(standin_for):
    """After so many wrong ones the right one waits too, here and at every endpoint; a minute later it is good (OA-19)."""
    standin = await standin_for(oauth={"wrong_secrets": 3})
    for number in range(3):
        refused(await standin.post(PATH, client_id=CONFIDENTIAL, client_secret=f"no{number}"), 401, "invalid_client")
    for endpoint in ENDPOINTS:
        answer = await standin.post(f"/oauth2/{endpoint}", headers=basic(CONFIDENTIAL, SECRET), **asked(endpoint))
        refused(answer, 429, "invalid_client")
        assert int(answer.headers["retry-after"]) in (60, 61)
    assert (await standin.rows())["device_flows"] == []
    standin.advance(60)
    assert (await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET))).status_code == 200


async def test_a_right_secret_does_not_wipe_the_count(standin_for):
    """Or an attacker with a client of its own could go on for ever (row SEC-11)."""
    standin = await standin_for(oauth={"wrong_secrets": 3})
    for _ in range(2):
        await standin.post(PATH, client_id=CONFIDENTIAL, client_secret="wrong")
    assert (await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET))).status_code == 200
    await standin.post(PATH, client_id=CONFIDENTIAL, client_secret="wrong")
    refused(await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET)), 429, "invalid_client")


async def test_the_limit_is_each_clients_own(standin_for):
    """Other clients, and the same name at other issuers, are not kept waiting (design 2.5)."""
    other = {"client_id": "other", "client_secret": "s"}
    standin = await standin_for(oauth={"wrong_secrets": 1, "clients": [other]})
    refused(await standin.post(PATH, client_id=CONFIDENTIAL, client_secret="wrong"), 401, "invalid_client")
    refused(await standin.post(PATH, headers=basic(CONFIDENTIAL, SECRET)), 429, "invalid_client")
    assert (await standin.post(PATH, **other)).status_code == 200
    assert (await standin.post(PATH, issuer="a", headers=basic(CONFIDENTIAL, SECRET))).status_code == 200


async def test_an_unknown_client_is_told_as_a_wrong_secret_is(standin):
    """Same status, same error, same challenge (row DA-21)."""
    unknown = await standin.post(PATH, headers=basic("nobody", "wrong"))
    wrong = await standin.post(PATH, headers=basic(CONFIDENTIAL, "wrong"))
    for answer in (unknown, wrong):
        refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"] == CHALLENGE


async def test_both_ways_are_told_in_the_flows_report(standin):
    """A poll that authenticates twice is remembered as such."""
    flow = await standin.begin(CONFIDENTIAL)
    refused(await standin.poll(flow, CONFIDENTIAL, headers=basic(CONFIDENTIAL, SECRET)), 400, "invalid_request")
    polls = [(poll.answer, poll.remarks) for poll in (await standin.rows())["device_polls"]]
    assert polls == [("invalid_request", "two ways of authentication")]
    assert (await standin.row(flow)).status == "pending"
