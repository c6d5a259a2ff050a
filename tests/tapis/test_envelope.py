"""The envelope: five members in their order, a media type without charset, errors with status 400."""

import pytest

from app.tapis.envelope import failure, success
from app.tapis.refusal import TapisRefusal

HELLO = b'{"message":"Hello from Tapis","metadata":{},"result":"","status":"success","version":"26Q1.0"}\n'  # 95 bytes


async def test_the_reference_line(standin):
    """The live service's 95 bytes (contract tapis 1.1)."""
    answer = await standin.http.get("/v3/oauth2/hello")
    assert (answer.content, len(answer.content), answer.headers["content-type"]) == (HELLO, 95, "application/json")


def test_nested_members_are_sorted():
    """Whatever order they are made in."""
    answer = success("m", {"b": {"d": 1, "c": None}, "a": ["é"]})
    assert answer.body.decode() == (
        '{"message":"m","metadata":{},"result":{"a":["é"],"b":{"c":null,"d":1}},"status":"success","version":"26Q1.0"}\n'
    )
    assert (answer.status, answer.headers) == (200, [(b"content-type", b"application/json")])


@pytest.mark.parametrize("status", [400, 404])
def test_a_failure(status):
    """`result` is null and `status` is error."""
    answer = failure(TapisRefusal("no.", status))
    assert answer.body == b'{"message":"no.","metadata":{},"result":null,"status":"error","version":"26Q1.0"}\n'
    assert (answer.status, answer.headers) == (status, [(b"content-type", b"application/json")])


def test_a_failure_may_end_the_session():
    """Its cookie is gone then (contract tapis 2.3)."""
    [_, (name, value)] = failure(TapisRefusal("no.", ends_session=True)).headers
    assert (name, value.partition(b";")[0]) == (b"set-cookie", b"session=")
    assert b"Max-Age=0" in value


def test_an_answer_does_not_share_its_headers():
    """What one adds, the next one has not."""
    success("m").headers.append((b"x", b"y"))
    assert success("m").headers == [(b"content-type", b"application/json")]
