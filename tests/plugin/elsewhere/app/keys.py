"""What this project does with a TMS server."""

import json
import os
import urllib.request


def make_key() -> str:
    """Return the public key of a new pair, made by the TMS server that the environment names."""
    body = {
        "client_user_id": "testuser1",
        "host": "testhost1",
        "host_account": "testhostaccount1",
        "num_uses": -1,
        "ttl_minutes": -1,
        "key_type": "ed25519",
    }
    names = {
        "X-TMS-TENANT": "X_TMS_TENANT",
        "X-TMS-CLIENT-ID": "X_TMS_CLIENT_ID",
        "X-TMS-CLIENT-SECRET": "X_TMS_CLIENT_SECRET",
    }
    headers = {name: os.environ[variable] for name, variable in names.items()}
    request = urllib.request.Request(
        f"{os.environ['TMS_URL']}/v1/tms/pubkeys/creds",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["public_key"]
