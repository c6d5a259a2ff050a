"""The token endpoint as such (RFC 6749 3.2): methods, grants, and what it notes of misplaced parameters."""

import pytest

from tests.oauth.driver import DEVICE_CODE, PUBLIC, UNSEEN, prefix, refused

PATH = "/oauth2/token"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_is_served(standin, method):
    """Never a token, though all parameters are there (rows OA-14, X-03)."""
    flow = await standin.begin()
    await standin.approve(flow)
    before = await standin.rows()
    asked = {"grant_type": DEVICE_CODE, "device_code": flow["device_code"], "client_id": PUBLIC}
    answer = await standin.http.request(method, PATH, params=asked)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        refused(answer, 405, "invalid_request")
    assert await standin.rows() == before
    assert (await standin.poll(flow)).status_code == 200


@pytest.mark.parametrize("grant_type", ["", None])
async def test_no_grant_type(standin, grant_type):
    """It is required (row OA-10)."""
    answer = await standin.post(PATH, client_id=PUBLIC, grant_type=grant_type)
    assert refused(answer, 400, "invalid_request") == "The parameter grant_type is missing"


@pytest.mark.parametrize("grant_type", ["implicit", "password", "client_credentials", "REFRESH_TOKEN", "é", 'x"\\'])
async def test_an_unknown_grant_type(standin, grant_type):
    """The sentence keeps to the characters that RFC 6749 5.2 allows (rows OA-01, OA-10)."""
    refused(await standin.post(PATH, client_id=PUBLIC, grant_type=grant_type), 400, "unsupported_grant_type")


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_a_poll_by_the_query(standin, issuer):
    """It is refused with a hint, and noted on the flow for the report; the flow is as it was (rows DA-02, X-13)."""
    flow = await standin.begin(issuer=issuer)
    await standin.approve(flow)
    asked = {"grant_type": DEVICE_CODE, "device_code": flow["device_code"], "client_id": PUBLIC}
    answer = await standin.http.post(f"{prefix(issuer)}{PATH}", params=asked)
    refused(answer, 400, "invalid_request")
    assert flow["device_code"] not in answer.text
    polls = [(poll.answer, poll.remarks) for poll in (await standin.rows())["device_polls"]]
    assert polls == [("invalid_request", "parameters in the query")]
    assert (await standin.row(flow)).status == "approved"
    assert (await standin.poll(flow, issuer=issuer)).status_code == 200


async def test_a_poll_by_the_query_of_another_issuer(standin):
    """It is not that issuer's flow, so nothing is noted."""
    flow = await standin.begin(issuer="a")
    before = await standin.rows(*UNSEEN)
    asked = {"grant_type": DEVICE_CODE, "device_code": flow["device_code"], "client_id": PUBLIC}
    refused(await standin.http.post(f"{prefix('b')}{PATH}", params=asked), 400, "invalid_request")
    assert await standin.rows(*UNSEEN) == before


async def test_a_query_that_names_no_flow(standin):
    """There is nothing to note: an unknown code, none at all, a query that cannot be read, a NUL."""
    await standin.begin()
    before = await standin.rows(*UNSEEN)
    for query in ("device_code=unknown", "client_id=x", "device_code=%zz", "device_code=%ff", "device_code=%00"):
        refused(await standin.http.post(f"{PATH}?{query}", data={"client_id": PUBLIC}), 400, "invalid_request")
    assert await standin.rows(*UNSEEN) == before


async def test_a_refused_request_changes_nothing(standin):
    """Whatever is wrong with it: the rows are the same, but for the guess that is counted."""
    tokens, flow = await standin.tokens(), await standin.begin()
    before = await standin.rows(*UNSEEN)
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": PUBLIC}
    for changed in ({"client_id": "nobody"}, {"refresh_token": "x"}, {"scope": "nonsense"}, {"client_secret": "x"}):
        assert (await standin.post(PATH, **{**asked, **changed})).status_code in (400, 401)
    await standin.poll("unknown")
    await standin.poll(flow, "tapis_cli")
    assert await standin.rows(*UNSEEN) == before
