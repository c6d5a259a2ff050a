"""The four requests of the published load suite, exactly as it sends them. It knows neither wrk nor a server."""

import json
from dataclasses import dataclass, field

LOAD_SUITE_FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"
JSON = {"Content-Type": "application/json"}
CLIENT = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1", **JSON}


@dataclass(frozen=True)
class Scenario:
    """One request: method, path, headers and the whole body as text."""

    name: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def _compact(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


GETVERSION = Scenario("getversion", "GET", "/v1/tms/version")

GETCLIENT = Scenario("getclient", "GET", "/v1/tms/client/testclient1", CLIENT)

CREATEKEY = Scenario(
    "createkey",
    "POST",
    "/v1/tms/pubkeys/creds",
    {**CLIENT, "Accept": "application/json"},
    _compact(
        {
            "client_user_id": "testuser1",
            "host": "testhost1",
            "host_account": "testhostaccount1",
            "num_uses": -1,
            "ttl_minutes": -1,
            "key_type": "",
        }
    ),
)

GETKEY = Scenario(
    "getkey",
    "POST",
    "/v1/tms/pubkeys/creds/retrieve",
    JSON,
    _compact(
        {
            "host": "testhost1",
            "keytype": "ed25519",
            "public_key_fingerprint": LOAD_SUITE_FINGERPRINT,
            "user": "testhostaccount1",
            "user_uid": "1",
        }
    ),
)

YARDSTICK = Scenario("yardstick", "GET", "/")

LOAD_SUITE = (GETVERSION, GETCLIENT, GETKEY, CREATEKEY)
