"""A stand-in in process, requests of every kind, and the calls that set rules."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.oauth.driver import Standin, steered

FAULTS = "/_standin/faults"
KEY = {
    "client_user_id": "testuser1",
    "host": "testhost1",
    "host_account": "testhostaccount1",
    "num_uses": 1,
    "ttl_minutes": 1,
    "key_type": "",
}
VERSION, HELLO, CLIENT, CREATE_KEY = (
    f"/v1/tms/{path}" for path in ("version", "hello", "client/testclient1", "pubkeys/creds")
)
TEAPOT = {"status": 418}


@pytest.fixture
async def standin() -> AsyncIterator[Standin]:
    """Return a stand-in in the standard setup."""
    async with steered() as standin:
        yield standin
    gc.collect()  # What was not closed is found here, as a ResourceWarning of the test that left it.


async def put(standin: Standin, document: dict[str, Any]) -> Any:
    """Set a document and return what the call answers."""
    answer = await standin.http.put(FAULTS, json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def put_rules(standin: Standin, *rules: dict[str, Any], seed: int = 0) -> Any:
    """Set rules and return what the call answers."""
    return await put(standin, {"seed": seed, "rules": list(rules)})


async def counts(standin: Standin) -> list[tuple[int, int]]:
    """Return how often each rule matched and struck."""
    return [(rule["matched"], rule["struck"]) for rule in (await standin.http.get(FAULTS)).json()["rules"]]


async def statuses(standin: Standin, number: int, path: str = VERSION, **named: Any) -> list[int]:
    """Return the statuses of so many equal requests."""
    return [(await standin.http.get(path, **named)).status_code for _ in range(number)]


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return status and message of an answer of TMS, whose body has nothing else."""
    body = answer.json()
    assert set(body) == {"result_code", "result_msg"}
    assert body["result_code"] == str(answer.status_code)
    return answer.status_code, body["result_msg"]
