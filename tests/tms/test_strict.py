"""`strict`: the documented rules that the real server forgets, at getkey (S1) and for disabled clients (S3)."""

import asyncio

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    STANDARD_FINGERPRINT,
    both,
    delete,
    everything,
    extend,
    key_body,
    listed,
    make_client,
    make_delegation,
    make_key,
    make_mapping,
    make_reservation,
    make_user,
    not_found,
    outcome,
    patch,
    refused,
    retrieve,
    same,
)

KEY = {"client_id": "testclient1", "tenant": "test", "host": "testhost1"}
MAPPING = {"tms_user_id": "testuser1", "tenant": "test", "host": "testhost1", "host_account": "testhostaccount1"}
DELEGATION = {"client_id": "testclient1", "client_user_id": "testuser1", "tenant": "test"}


@pytest.fixture
async def client(client_for, wire):
    """Return a client of an app that is strict."""
    return await client_for(strict=True, wire_version=wire)


async def record(client, fingerprint):
    """Return the record of a key."""
    return next(found for found in await listed(client, "pubkeys") if found["public_key_fingerprint"] == fingerprint)


class TestUses:
    """Keys with a limited number of uses."""

    @both
    async def test_uses_are_counted_down_and_the_next_one_is_refused(self, client):
        """`remaining_uses` alone changes; at zero the key is NF."""
        fingerprint = await make_key(client, uses=2)
        before = await record(client, fingerprint)
        for remaining in (1, 0):
            text = '{"public_key":"<public>","result_code":"0","result_msg":"success"}'
            same(await retrieve(client, fingerprint), 200, text)
            assert await record(client, fingerprint) == {**before, "remaining_uses": remaining}
        not_found(await retrieve(client, fingerprint))
        assert await record(client, fingerprint) == {**before, "remaining_uses": 0}

    async def test_a_key_without_uses(self, client):
        """NF at once, until an administrator gives it some."""
        fingerprint = await make_key(client, uses=0)
        not_found(await retrieve(client, fingerprint))
        await patch(client, "pubkeys", **KEY, public_key_fingerprint=fingerprint, max_uses=1)
        assert (await retrieve(client, fingerprint)).status_code == 200
        not_found(await retrieve(client, fingerprint))

    @both
    async def test_the_last_use_is_given_once(self, client):
        """Of many who ask at the same moment only as many get the key as it has uses."""
        fingerprint = await make_key(client, uses=2)
        answers = await asyncio.gather(*[retrieve(client, fingerprint) for _ in range(6)])
        assert sorted(answer.status_code for answer in answers) == [200, 200, 404, 404, 404, 404]
        assert (await record(client, fingerprint))["remaining_uses"] == 0

    async def test_unlimited_keys_are_not_counted(self, client):
        """Their record stays the same."""
        before = await everything(client)
        for _ in range(3):
            assert (await retrieve(client)).status_code == 200
        assert await everything(client) == before

    async def test_a_refused_getkey_uses_nothing(self, client):
        """Neither a wrong account nor an expired mapping costs a use."""
        fingerprint = await make_key(client, uses=1)
        not_found(await retrieve(client, fingerprint, user="another"))
        await patch(client, "userhosts/upd", **MAPPING, ttl_minutes=0)
        not_found(await retrieve(client, fingerprint))
        assert (await record(client, fingerprint))["remaining_uses"] == 1
        await patch(client, "userhosts/upd", **MAPPING, ttl_minutes=-1)
        assert (await retrieve(client, fingerprint)).status_code == 200


class TestState:
    """What a key depends on."""

    async def test_a_key_is_good_until_its_last_microsecond(self, clock, client):
        """And NF afterwards."""
        fingerprint = await make_key(client, ttl=1)
        clock.forward(minutes=1)
        assert (await retrieve(client, fingerprint)).status_code == 200
        clock.forward(microseconds=1)
        not_found(await retrieve(client, fingerprint))
        assert (await retrieve(client)).status_code == 200

    async def test_expired_mfa(self, clock, client):
        """Every key of the user is NF."""
        await make_user(client, "u", ttl=1)
        await make_mapping(client, "u")
        await make_delegation(client, "u")
        fingerprint = await make_key(client, user="u")
        assert (await retrieve(client, fingerprint)).status_code == 200
        clock.forward(minutes=1, microseconds=1)
        not_found(await retrieve(client, fingerprint))

    async def test_disabled_mfa(self, client):
        """Until it is enabled again."""
        await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=False)
        not_found(await retrieve(client))
        await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=True)
        assert (await retrieve(client)).status_code == 200

    @pytest.mark.parametrize(("path", "body"), [("userhosts/upd", MAPPING), ("delegations/upd", DELEGATION)])
    async def test_an_expired_mapping_or_delegation(self, client, path, body):
        """Until it is given a new lifetime."""
        await patch(client, path, **body, ttl_minutes=0)
        not_found(await retrieve(client))
        await patch(client, path, **body, ttl_minutes=1)
        assert (await retrieve(client)).status_code == 200

    @pytest.mark.parametrize(("path", "body"), [("userhosts/del", MAPPING), ("delegations/del", DELEGATION)])
    async def test_a_deleted_mapping_or_delegation(self, client, path, body):
        """The key has gone with it and does not come back."""
        await delete(client, path, **body)
        not_found(await retrieve(client))
        if path == "userhosts/del":
            await make_mapping(client)
        else:
            await make_delegation(client)
        not_found(await retrieve(client))

    async def test_a_disabled_client_s_keys_work_on(self, client):
        """sshd shows no client, so its state is none of the rules of S1."""
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=ADMIN)
        assert (await retrieve(client)).status_code == 200


class TestDisabledClient:
    """S3."""

    async def test_it_is_refused_everywhere(self, client):
        """Each of the fifteen endpoints for clients answers its own 401, and nothing changes."""
        resid = await make_reservation(client)
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=CLIENT)
        before = await everything(client)
        key = {**KEY, "public_key_fingerprint": STANDARD_FINGERPRINT}
        reservation = {"client_user_id": "testuser1", "host": "testhost1", "ttl_minutes": 1}
        reservation["public_key_fingerprint"] = STANDARD_FINGERPRINT
        mismatch = "ERROR: NOT AUTHORIZED Credential mismatch for client testclient1 in tenant test."
        update = "ERROR: NOT AUTHORIZED to update client testclient1 in tenant test."
        lists = "ERROR: NOT AUTHORIZED to list clients in tenant test."
        gone = f"ERROR: NOT AUTHORIZED to delete reservation {resid} in tenant test."

        async def send(method, path, **json):
            more = {"json": json} if json else {}
            return outcome(await client.request(method, f"/v1/tms/{path}", headers=CLIENT, **more))

        answers = [
            (
                await send("GET", "client/testclient1"),
                "ERROR: NOT AUTHORIZED to view client testclient1 in tenant test.",
            ),
            (await send("GET", "client/list"), lists),
            (await send("PATCH", "client/upd/testclient1?enabled=true"), update),
            (await send("PATCH", "client/upd/testclient1"), update),
            (await send("PATCH", "client/secret/testclient1"), update),
            (
                await send("DELETE", "client/del/testclient1"),
                "ERROR: NOT AUTHORIZED to delete client testclient1 in tenant test.",
            ),
            (await send("POST", "pubkeys/creds", **key_body()), mismatch),
            (await send("GET", "pubkeys/id/1"), "ERROR: NOT AUTHORIZED to view pubkey #1 in tenant test."),
            (await send("GET", "pubkeys/list"), lists),
            (
                await send("DELETE", "pubkeys/del", **key),
                "ERROR: NOT AUTHORIZED to delete public key testclient1 in tenant test.",
            ),
            (await send("PATCH", "pubkeys", **key, max_uses=1), update.replace(":", "")),
            (await send("POST", "reservations", **reservation), mismatch),
            (outcome(await extend(client, resid)), mismatch),
            (
                await send("GET", f"reservations/testclient1/{resid}"),
                f"ERROR: NOT AUTHORIZED to view reservation {resid} in tenant test.",
            ),
            (await send("DELETE", f"reservations/del/testclient1/{resid}"), gone),
            (await send("DELETE", f"reservations/del/related/testclient1/{resid}"), gone),
        ]
        assert [got for got, _ in answers] == [(401, message) for _, message in answers]
        assert await everything(client) == before
        assert (await client.get(f"/v1/tms/reservations/x/{resid}", headers=ADMIN)).status_code == 200

    async def test_only_an_administrator_enables_it(self, client):
        """Afterwards its old secret works."""
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=ADMIN)
        assert (await client.patch("/v1/tms/client/upd/testclient1?enabled=true", headers=CLIENT)).status_code == 401
        answer = await client.patch("/v1/tms/client/upd/testclient1?enabled=true", headers=ADMIN)
        assert answer.json()["fields_updated"] == 1
        await make_key(client)

    async def test_with_administrator_s_credentials_beside_it_is_the_administrator(self, client):
        """The disabled client's own credentials do not count."""
        await make_client(client, "other")
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=ADMIN)
        assert len(await listed(client, "client", {**ADMIN, **CLIENT})) == 2

    async def test_enabled_clients_notice_nothing(self, client):
        """Neither at createkey nor at the rest."""
        await make_key(client)
        answer = await client.patch("/v1/tms/client/upd/testclient1?enabled=true", headers=CLIENT)
        assert answer.json()["fields_updated"] == 1
        message = "ERROR: NOT AUTHORIZED to view client testclient1 in tenant test."
        wrong = {**CLIENT, "X-TMS-CLIENT-SECRET": "wrong"}
        refused(await client.get("/v1/tms/client/testclient1", headers=wrong), 401, message)
