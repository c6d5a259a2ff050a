"""Asks each replica by a connection of its own, one after the other or all at the same moment. It judges nothing."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import httpx

from tests.replicas.cluster import Cluster
from tests.seeded import CALLER, KEY

Result = TypeVar("Result")

HOST = "standin.test"  # what all callers call all replicas, as behind a proxy: the issuer follows it
PATIENCE_SECONDS = 30


@contextmanager
def lines_to(cluster: Cluster) -> Iterator[list[httpx.Client]]:
    """Give a client of each replica, in their order."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                httpx.Client(base_url=url, headers={"host": HOST}, timeout=PATIENCE_SECONDS, trust_env=False)
            )
            for url in cluster.urls
        ]


def at_once(asked: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do these at the same moment, each in a thread of its own, and return what they return, in their order."""
    start = threading.Barrier(len(asked))

    def one(ask: Callable[[], Result]) -> Result:
        start.wait(PATIENCE_SECONDS)
        return ask()

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(one, asked))


def of_all(lines: Sequence[httpx.Client], ask: Callable[[httpx.Client], Result]) -> list[Result]:
    """Ask all replicas at the same moment."""
    return at_once([lambda line=line: ask(line) for line in lines])


def good(answer: httpx.Response) -> Any:
    """Return the decoded body of an answer that has to be a success."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def settings(line: httpx.Client, **changed: Any) -> None:
    """Change modes by one replica."""
    good(line.patch("/_standin/settings", json=changed))


def reset(line: httpx.Client) -> None:
    """Bring everything back to the start, by one replica."""
    good(line.post("/_standin/reset", json={"settings": True}))


def create_key(line: httpx.Client, **changed: Any) -> httpx.Response:
    """Ask for a key."""
    return line.post("/v1/tms/pubkeys/creds", headers=CALLER, json={**KEY, **changed})


def get_key(line: httpx.Client, key: dict[str, Any]) -> httpx.Response:
    """Ask for a key as tms_keycmd does."""
    asked = {
        "user": KEY["host_account"],
        "user_uid": "1",
        "host": KEY["host"],
        "public_key_fingerprint": key["public_key_fingerprint"],
        "key_type": "ed25519",
    }
    return line.post("/v1/tms/pubkeys/creds/retrieve", json=asked)
