"""What the tests ask of a running stand-in: key pairs, their deletion, what sshd has asked it, and the control plane."""

import json
from pathlib import Path
from typing import Any

import httpx

from app.remote.calls import Server as Address
from app.remote.control import Control
from tests.ssh.sshd import HOST

RETRIEVE = "/v1/tms/pubkeys/creds/retrieve"
TENANT, CLIENT_ID, SECRET = "test", "testclient1", "secret1"
HEADERS = {"X-TMS-TENANT": TENANT, "X-TMS-CLIENT-ID": CLIENT_ID, "X-TMS-CLIENT-SECRET": SECRET}


class StandIn:
    """A stand-in at a URL, in MVP mode, so that a key needs nothing else."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = Control(Address(url))

    def create_key(self, host_account: str, **changed: object) -> dict[str, str]:
        """Make a key pair and return the whole answer; what is `changed` stands in the body."""
        limits = {"num_uses": -1, "ttl_minutes": -1, "key_type": "ed25519"}
        place = {"client_user_id": "testuser1", "host": HOST, "host_account": host_account}
        return self._sent("POST", "/v1/tms/pubkeys/creds", {**place, **limits, **changed}, 201)

    def delete_key(self, fingerprint: str) -> dict[str, Any]:
        """Delete a key and return the whole answer."""
        key = {"client_id": CLIENT_ID, "tenant": TENANT, "host": HOST, "public_key_fingerprint": fingerprint}
        return self._sent("DELETE", "/v1/tms/pubkeys/del", key, 200)

    def asked(self) -> list[tuple[str, int]]:
        """Return body and status of each request for a key since the last reset, the body as it was sent."""
        return [
            (_text(entry), entry["status"]) for entry in self.control.journal.entries() if entry["path"] == RETRIEVE
        ]

    def _sent(self, method: str, path: str, body: object, status: int) -> dict[str, Any]:
        answer = httpx.request(method, self.url + path, headers=HEADERS, json=body, timeout=300)
        assert answer.status_code == status, answer.text
        return answer.json()


def _text(entry: dict[str, Any]) -> str:
    """Return the text of a body of which the journal keeps the value: its length tells that this was it."""
    text = json.dumps(entry["request"]["body"], separators=(",", ":"), ensure_ascii=False)
    assert entry["request"]["headers"]["content-length"] == str(len(text.encode()))
    return text


def written(key: dict[str, str], path: Path) -> Path:
    """Write the private key that was answered to a file as ssh wants it, and return that."""
    path.touch(0o600)
    path.write_text(key["private_key"])
    return path
