"""E15 to E19: users who have passed multi-factor authentication."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    LARGEST,
    NOT_A_TEXT,
    V030,
    admin,
    both,
    database_refused,
    everything,
    listed,
    make_client,
    make_key,
    make_login,
    make_reservation,
    make_user,
    not_found,
    patch,
    refused,
    retrieve,
    same,
)

TESTUSER = (
    '{"created":"<seeded1>","enabled":%s,"expires_at":"<never>","id":1,%s"tenant":"test","tms_user_id":"testuser1",'
    '"updated":"<seeded1>"}'
)


async def create(client, user="new", tenant="test", ttl=10):
    """Post E15 and return the whole answer."""
    body = {"tenant": tenant, "tms_user_id": user, "ttl_minutes": ttl}
    return await client.post("/v1/tms/usermfa", headers=ADMIN, json=body)


class TestCreate:
    """E15."""

    @both
    async def test_a_new_user_and_its_record(self, client, wire):
        """Enabled; created and updated are the same instant."""
        text = '{"enabled":true,"expires_at":"<fresh>","result_code":"0","result_msg":"success","tms_user_id":"new"}'
        same(await create(client), 201, text, wire)
        text = (
            '{"created":"<stamp1>","enabled":<true>,"expires_at":"<expiry>","id":2,"result_code":"0",'
            '"result_msg":"success","tenant":"test","tms_user_id":"new","updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/usermfa/new", headers=ADMIN), 200, text, wire)

    @both
    @pytest.mark.usefixtures("clock")
    async def test_lifetimes(self, client, wire):
        """A negative number is the largest one and not 9999 (D11); the answer's nanoseconds are not stored (D14)."""
        ends = {-5: "6109-12-16T20:07", 0: "2026-11-23T18:00", 10: "2026-11-23T18:10", LARGEST: "6109-12-16T20:07"}
        forms = (":00.123456789+00:00", ":00.123456+00:00") if wire == V030 else (":00Z", ":00Z")
        for ttl, end in ends.items():
            answer = await create(client, f"user {ttl}", ttl=ttl)
            stored = await client.get(f"/v1/tms/usermfa/user {ttl}", headers=ADMIN)
            got = answer.json()["expires_at"], stored.json()["expires_at"]
            assert got == (end + forms[0], end + forms[1])

    @both
    async def test_a_duplicate_is_refused_by_the_database(self, client, wire):
        """The old record stays as it was (D4)."""
        before = await everything(client)
        database_refused(
            await create(client, "testuser1"),
            wire,
            'duplicate key value violates unique constraint "user_mfa_tenant_tms_user_id_key"',
            "(code: 2067) UNIQUE constraint failed: user_mfa.tenant, user_mfa.tms_user_id",
        )
        assert await everything(client) == before

    @both
    async def test_ids_after_a_refused_insert_and_a_delete(self, client, wire):
        """0.3.0 leaves gaps, 0.1.0 takes the largest id plus one (section 4)."""
        await create(client, "testuser1")
        await make_user(client, "second")
        await client.delete("/v1/tms/usermfa/del/second", headers=ADMIN)
        await make_user(client, "a third")
        assert [found["id"] for found in await listed(client, "usermfa")] == [4 if wire == V030 else 2, 1]


class TestGet:
    """E16."""

    @both
    async def test_a_user(self, client, wire):
        """The whole record; enabled is a number in 0.1.0."""
        text = TESTUSER % ("<true>", '"result_code":"0","result_msg":"success",')
        same(await client.get("/v1/tms/usermfa/testuser1", headers=ADMIN), 200, text, wire)

    async def test_an_unknown_user(self, client):
        """Nobody of that name, or only in another tenant."""
        not_found(await client.get("/v1/tms/usermfa/none", headers=ADMIN))
        not_found(await client.get("/v1/tms/usermfa/testuser1", headers=admin("default")))

    async def test_a_user_called_list_hides_behind_the_list(self, client):
        """One percent-encoded letter gets past it (D16)."""
        await make_user(client, "list")
        assert "num_users" in (await client.get("/v1/tms/usermfa/list", headers=ADMIN)).json()
        assert (await client.get("/v1/tms/usermfa/lis%74", headers=ADMIN)).json()["tms_user_id"] == "list"
        assert (await client.delete("/v1/tms/usermfa/del/list", headers=ADMIN)).json()["num_deleted"] == 1


class TestList:
    """E17."""

    @both
    async def test_users_by_name(self, client, wire):
        """In byte order; enabled is a number in both versions."""
        for name in ("zoe", "Zoe"):
            await make_user(client, name)
        await patch(client, "usermfa/upd", tms_user_id="zoe", tenant="test", enabled=False)
        element = (
            '{"created":"<stamp>","enabled":%d,"expires_at":"<expiry>","id":%d,"tenant":"test","tms_user_id":"%s",'
            '"updated":"<stamp>"}'
        )
        users = [element % (1, 3, "Zoe"), TESTUSER % ("1", ""), element % (0, 2, "zoe")]
        text = f'{{"num_users":3,"result_code":"0","result_msg":"success","users":[{",".join(users)}]}}'
        same(await client.get("/v1/tms/usermfa/list", headers=ADMIN), 200, text, wire)

    async def test_a_tenant_without_users(self, client):
        """An empty array."""
        text = '{"num_users":0,"result_code":"0","result_msg":"success","users":[]}'
        same(await client.get("/v1/tms/usermfa/list", headers=admin("default")), 200, text)


class TestUpdate:
    """E18."""

    @both
    async def test_a_new_state(self, clock, client, wire):
        """One update, also where the state was so before; `updated` tells of it."""
        before = (await listed(client, "usermfa"))[0]
        for second, (enabled, state) in enumerate([(True, "true"), (False, "false"), (False, "false")], 1):
            clock.forward(seconds=1)
            answer = await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=enabled)
            message = f"1 update(s) to tms_user_id testuser1 completed, enabled = {state}"
            same(answer, 200, f'{{"fields_updated":1,"result_code":"0","result_msg":"{message}"}}')
            stamp = f"2026-11-23T18:00:0{second}.123456" + ("+00:00" if wire == V030 else "Z")
            assert await listed(client, "usermfa") == [{**before, "enabled": int(enabled), "updated": stamp}]

    async def test_an_unknown_user_has_no_updates(self, client):
        """A success of nothing."""
        before = await everything(client)
        answer = await patch(client, "usermfa/upd", tms_user_id="none", tenant="test", enabled=False)
        message = "0 update(s) to tms_user_id none completed, enabled = false"
        same(answer, 200, f'{{"fields_updated":0,"result_code":"0","result_msg":"{message}"}}')
        assert await everything(client) == before

    async def test_a_disabled_user_gets_no_more_keys_until_enabled_again(self, client):
        """The state counts at createkey."""
        await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=False)
        body = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1"}
        answer = await client.post(
            "/v1/tms/pubkeys/creds", headers=CLIENT, json={**body, "num_uses": 1, "ttl_minutes": 1}
        )
        detail = "Required user MFA record for user ID testuser1 in tenant test is disabled."
        refused(answer, 403, f"Missing or expired dependency: {detail}")
        await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=True)
        await make_key(client)

    async def test_a_real_0_3_0_cannot_disable_users(self, client_for):
        """The user stays enabled (D1)."""
        client = await client_for(quirks="real")
        answer = await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=False)
        refused(answer, 500, NOT_A_TEXT)
        assert (await client.get("/v1/tms/usermfa/testuser1", headers=ADMIN)).json()["enabled"] is True


class TestDelete:
    """E19."""

    @both
    async def test_what_hangs_on_a_user_goes_with_it(self, client):
        """Mappings, delegations, keys and reservations go uncounted; clients and other users' records stay."""
        other = await make_client(client, "other")
        kept = await make_login(client, "user2", other)
        kept_reservation = await make_reservation(client, kept, other, user="user2")
        reservation = await make_reservation(client)
        text = '{"num_deleted":1,"result_code":"0","result_msg":"MFA user testuser1 deleted"}'
        same(await client.delete("/v1/tms/usermfa/del/testuser1", headers=ADMIN), 200, text)
        assert [found["tms_user_id"] for found in await listed(client, "usermfa")] == ["user2"]
        assert [found["tms_user_id"] for found in await listed(client, "userhosts")] == ["user2"]
        assert [found["client_user_id"] for found in await listed(client, "delegations")] == ["user2"]
        assert [found["public_key_fingerprint"] for found in await listed(client, "pubkeys")] == [kept]
        not_found(await client.get(f"/v1/tms/reservations/x/{reservation}", headers=ADMIN))
        assert (await client.get(f"/v1/tms/reservations/x/{kept_reservation}", headers=ADMIN)).status_code == 200
        not_found(await retrieve(client))
        assert len(await listed(client, "client")) == 2

    async def test_an_unknown_user(self, client):
        """Nothing is deleted, nor the user of that name in another tenant."""
        before = await everything(client)
        text = '{"num_deleted":0,"result_code":"0","result_msg":"MFA user testuser1 NOT FOUND - Nothing deleted"}'
        same(await client.delete("/v1/tms/usermfa/del/testuser1", headers=admin("default")), 200, text)
        assert await everything(client) == before
