"""What the journal says that a refused request missed by little, sentence by sentence."""

import pytest
from sqlalchemy import text

from app.seed import STANDARD_FINGERPRINT
from tests.journal.conftest import entries, misses
from tests.journal.test_recorder import ADMIN, CLIENT, CREDS, NEW_KEY
from tests.oauth.driver import CONFIDENTIAL, SECRET
from tests.tapis import driver as tapis

_NEVER_READY = (
    "The device code expired before anybody authorized it, and is answered `device code not ready.` for ever, as by the "
    "real service; standin.strict mends it."
)
RETRIEVE = f"{CREDS}/retrieve"
ASKED = {
    "user": "testhostaccount1",
    "user_uid": "1",
    "host": "testhost1",
    "public_key_fingerprint": STANDARD_FINGERPRINT,
    "keytype": "ed25519",
}


async def changed(standin, statement: str) -> None:
    """Change stored rows as no call does."""
    standin.parts.store.writer.connection.execute(str(text(statement)))
    standin.parts.store._cache.clear()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"public_key_fingerprint": "SHA256:x"}, ["No key is stored with fingerprint SHA256:x."]),
        (
            {"host": "other"},
            ["The fingerprint is stored, but the host differs: asked for 'other', stored is 'testhost1'."],
        ),
        (
            {"host": "a", "user": "b"},
            [
                (
                    "The fingerprint is stored, but the host differs: asked for 'a', stored is 'testhost1'; "
                    "the user differs: asked for 'b', stored is 'testhostaccount1'."
                )
            ],
        ),
    ],
)
async def test_getkey_404(standin, change, expected):
    """Which of fingerprint, host and account it was; each time, however often it is asked."""
    for _ in range(2):
        assert (await standin.http.post(RETRIEVE, json=ASKED | change)).status_code == 404
        assert await misses(standin) == expected


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE pubkeys SET remaining_uses = 0", "it has no remaining uses"),
        ("UPDATE user_mfa SET enabled = 0", "its user's MFA is disabled or expired"),
    ],
)
async def test_getkey_404_under_strict(standin_for, statement, reason):
    """Why a key that matches is held back."""
    standin = await standin_for(strict=True)
    await changed(standin, statement)
    assert (await standin.http.post(RETRIEVE, json=ASKED)).status_code == 404
    assert await misses(standin) == [f"The key is stored for this host and user, but {reason}."]


async def test_what_was_found_has_no_near_miss(standin):
    """The member is left out."""
    assert (await standin.http.post(RETRIEVE, json=ASKED)).status_code == 200
    assert "near_miss" not in (await entries(standin))[0]


async def test_createkey_403(standin):
    """All that is missing, where the answer names the first alone."""
    place = {"client_user_id": "u", "host": "h", "host_account": "a"}
    assert (await standin.http.post(CREDS, json=NEW_KEY | place, headers=CLIENT)).status_code == 403
    assert await misses(standin) == [
        "There is no user MFA record of 'u' in tenant 'test'; POST /v1/tms/usermfa adds one.",
        "There is no mapping of 'u' to 'a' on 'h' in tenant 'test'; POST /v1/tms/userhosts adds one.",
        "There is no delegation of 'u' to client 'testclient1' in tenant 'test'; POST /v1/tms/delegations adds one.",
    ]


async def test_createkey_403_of_what_is_there(standin):
    """A record that is disabled, and one that has expired."""
    await changed(standin, "UPDATE user_mfa SET enabled = 0")
    await changed(standin, "UPDATE delegations SET expires_at = '2020-01-01T00:00:00.000000+00:00'")
    assert (await standin.http.post(CREDS, json=NEW_KEY, headers=CLIENT)).status_code == 403
    assert await misses(standin) == [
        "The user MFA record of 'testuser1' is disabled.",
        "The delegation of 'testuser1' to client 'testclient1' in tenant 'test' expired at 2020-01-01T00:00:00+00:00.",
    ]


@pytest.mark.parametrize(
    ("tenant", "expected"),
    [("nowhere", "There is no tenant 'nowhere'."), ("test", "The tenant 'test' is disabled.")],
)
async def test_tenant_not_enabled(standin_for, tenant, expected):
    """One that is disabled is told apart from one that is not there."""
    standin = await standin_for(enable_test_tenant=False)
    headers = CLIENT | {"X-TMS-TENANT": tenant}
    assert (await standin.http.get("/v1/tms/client/testclient1", headers=headers)).status_code == 400
    assert await misses(standin) == [expected]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (CLIENT | {"X-TMS-CLIENT-ID": "who"}, ["There is no client 'who' in tenant 'test'."]),
        (CLIENT | {"X-TMS-TENANT": "default"}, ["There is no client 'testclient1' in tenant 'default'."]),
        (
            CLIENT | {"X-TMS-CLIENT-SECRET": "wrong"},
            ["The secret is not that of client 'testclient1' in tenant 'test'."],
        ),
        (ADMIN | {"X-TMS-ADMIN-SECRET": "wrong"}, ["The secret is not that of admin '~~admin' in tenant 'test'."]),
        ({"X-TMS-TENANT": "test"}, []),
        (
            {
                **ADMIN,
                "X-TMS-ADMIN-SECRET": "wrong",
                "X-TMS-CLIENT-ID": "testclient1",
                "X-TMS-CLIENT-SECRET": "secret1",
            },
            [],
        ),
    ],
)
async def test_not_authorized(standin, headers, expected):
    """The name or its secret; nothing where neither was shown."""
    answer = await standin.http.get("/v1/tms/client/testclient1", headers=headers)
    assert answer.status_code == (401 if expected or len(headers) == 1 else 200)
    assert await misses(standin) == expected


async def test_a_disabled_client_under_strict(standin_for):
    """Its secret is right; an administrator's id beside it, with a wrong one, is told of as well."""
    standin = await standin_for(strict=True)
    await changed(standin, "UPDATE clients SET enabled = 0")
    headers = CLIENT | ADMIN | {"X-TMS-ADMIN-SECRET": "wrong"}
    assert (await standin.http.get("/v1/tms/client/testclient1", headers=headers)).status_code == 401
    assert await misses(standin) == [
        "The client 'testclient1' in tenant 'test' is disabled, which counts under standin.strict.",
        "The secret is not that of admin '~~admin' in tenant 'test'.",
    ]


async def test_an_administrators_endpoint_for_a_client(standin):
    """The client's credentials are right, and not what is asked for: nothing is known to be wrong with them."""
    assert (await standin.http.get("/v1/tms/usermfa/list", headers=CLIENT)).status_code == 401
    assert await misses(standin) == []


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/tms/pubkeys/cred", ["No endpoint has this path; the nearest is POST /v1/tms/pubkeys/creds."]),
        ("GET", "/v3/oauth2/tokens", ["/v3/oauth2/tokens takes POST."]),
        ("PUT", "/v1/tms/client/list", ["/v1/tms/client/list takes GET."]),
        ("GET", "/quite/something/else", []),
        ("GET", "/" + "x" * 300, []),
    ],
)
async def test_paths_that_are_none(standin, method, path, expected):
    """The endpoint that is spelled alike, or the method that it takes."""
    await standin.http.request(method, path)
    assert await misses(standin) == expected


async def test_unknown_device_codes(standin):
    """One that never was, one of another issuer, one of another client, one that is used up."""
    await standin.poll("BCDFGHJKunknown")
    assert await misses(standin) == [
        "No device flow has this device code: it was never issued, or expired more than an hour ago."
    ]
    flow = await standin.begin(issuer="mine")
    await standin.poll(flow)
    assert await misses(standin) == ["The device code is of another issuer, 'mine', not ''."]
    flow = await standin.begin()
    await standin.post(
        "/oauth2/token",
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        device_code=flow["device_code"],
        client_id=CONFIDENTIAL,
        client_secret=SECRET,
    )
    assert await misses(standin) == ["The device code was issued to client 'device-public', not 'testclient1'."]
    await standin.approve(flow)
    assert (await standin.poll(flow)).status_code == 200
    await standin.poll(flow)
    assert await misses(standin) == ["The device code has been redeemed already."]


async def test_a_pending_poll_and_another_grant_miss_nothing(standin):
    """A client that waits does nothing wrong; what is no device code is not explained."""
    await standin.poll(await standin.begin())
    assert await misses(standin) == []
    await standin.refresh("nothing")
    assert await misses(standin) == []


async def test_a_tapis_code_that_is_never_ready_says_so(standin):
    """Answered `device code not ready.` for ever, which nobody could tell from one that waits."""
    flow = await tapis.begin(standin)
    await tapis.poll(standin, flow)
    assert await misses(standin) == [
        "The device flow waits for somebody to enter its user code, until 2026-11-23T19:03:33+00:00."
    ]
    standin.advance(86_400)
    tapis.refused(await tapis.poll(standin, flow), tapis.NOT_READY)
    assert await misses(standin) == [_NEVER_READY]


async def test_other_tapis_codes(standin):
    """Unknown, of the other dialect, entered, denied, used up, or refused for another reason."""
    await tapis.poll(standin, {"device_code": "nothing"})
    assert await misses(standin) == ["No device flow has this device code."]
    await tapis.poll(standin, await standin.begin())
    assert await misses(standin) == [
        "The device code was issued at /oauth2/device_authorization, and is redeemed at /oauth2/token."
    ]
    flow = await tapis.begin(standin)
    await tapis.log_in(standin)
    await tapis.enter(standin, flow)
    await tapis.poll(standin, flow)
    assert await misses(standin) == ["The device flow waits for the consent, until 2026-11-23T19:03:33+00:00."]
    await tapis.consent(standin, flow)
    await tapis.poll(standin, flow, client_id="testclient1")
    assert await misses(standin) == []
    tapis.result_of(await tapis.poll(standin, flow), "Token created successfully.")
    await tapis.poll(standin, flow)
    assert await misses(standin) == ["The device flow is redeemed already."]
    await tapis.ask(standin, grant_type="password")
    assert await misses(standin) == []


async def test_a_database_that_does_not_answer_explains_nothing(standin):
    """The entry is written without a sentence."""
    await changed(standin, "ALTER TABLE pubkeys RENAME TO away")
    answer = await standin.http.post(RETRIEVE, json=ASKED | {"host": "other"})
    assert answer.status_code >= 400
    assert [entry["status"] for entry in await entries(standin)] == [answer.status_code]
    assert await misses(standin) == []
    await changed(standin, "ALTER TABLE away RENAME TO pubkeys")
