"""The four requests of the published load suite, exactly as it sends them, and the two of a device flow.

It knows neither wrk nor a server.
"""

import json
from dataclasses import dataclass, field

LOAD_SUITE_FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"
VALUE = "VALUE"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLIENT = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1", **JSON}


@dataclass(frozen=True)
class Scenario:
    """One request: method, path, headers and the whole body as text.

    In path, headers and body, VALUE stands for a value that differs from request to request. `right` is how a right answer begins:
    its status, and behind it the `error` of its body where there is one.
    """

    name: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    right: str = "2"


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

DEVICEAUTH = Scenario("deviceauth", "POST", "/oauth2/device_authorization", FORM, "client_id=device-public")

POLL = Scenario(
    "poll",
    "POST",
    "/oauth2/token",
    FORM,
    f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code={VALUE}&client_id=device-public",
    right="400 authorization_pending",
)

LOAD_SUITE = (GETVERSION, GETCLIENT, GETKEY, CREATEKEY)
DEVICE_FLOW = (DEVICEAUTH, POLL)
