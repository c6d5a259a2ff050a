"""E20 to E24: which account a user has on which host."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    LARGEST,
    NOT_A_TEXT,
    V030,
    admin,
    both,
    database_refused,
    delete,
    everything,
    listed,
    make_key,
    make_mapping,
    make_reservation,
    make_user,
    not_found,
    patch,
    refused,
    retrieve,
    same,
)

MAPPING = {"tms_user_id": "testuser1", "tenant": "test", "host": "testhost1", "host_account": "testhostaccount1"}
ELEMENT = (
    '{"created":"<%s1>","expires_at":"<never>","host":"testhost1","host_account":"testhostaccount1","id":1,%s'
    '"tenant":"test","tms_user_id":"testuser1","updated":"<%s1>"}'
)


async def create(client, ttl=10, **changed):
    """Post E20 and return the whole answer."""
    body = {**MAPPING, "host": "host2", "ttl_minutes": ttl, **changed}
    return await client.post("/v1/tms/userhosts", headers=ADMIN, json=body)


class TestCreate:
    """E20."""

    @both
    async def test_a_new_mapping_and_its_record(self, client, wire):
        """Created and updated are the same instant."""
        text = (
            '{"expires_at":"<fresh>","host":"host2","host_account":"testhostaccount1","result_code":"0",'
            '"result_msg":"success","tms_user_id":"testuser1"}'
        )
        same(await create(client), 201, text, wire)
        text = (
            '{"created":"<stamp1>","expires_at":"<expiry>","host":"host2","host_account":"testhostaccount1","id":2,'
            '"result_code":"0","result_msg":"success","tenant":"test","tms_user_id":"testuser1","updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/userhosts/2", headers=ADMIN), 200, text, wire)

    @both
    @pytest.mark.usefixtures("clock")
    async def test_lifetimes(self, client, wire):
        """A negative number is the largest one and not 9999 (D11); the answer's nanoseconds are not stored (D14)."""
        ends = {-1: "6109-12-16T20:07", 0: "2026-11-23T18:00", 90: "2026-11-23T19:30", LARGEST: "6109-12-16T20:07"}
        forms = (":00.123456789+00:00", ":00.123456+00:00") if wire == V030 else (":00Z", ":00Z")
        for number, (ttl, end) in enumerate(ends.items(), 2):
            answer = await create(client, ttl, host=f"host {ttl}")
            stored = await client.get(f"/v1/tms/userhosts/{number}", headers=ADMIN)
            got = answer.json()["expires_at"], stored.json()["expires_at"]
            assert got == (end + forms[0], end + forms[1])

    @both
    async def test_a_duplicate_and_a_missing_user_are_refused_by_the_database(self, client, wire):
        """Nothing is stored (D4, D5)."""
        before = await everything(client)
        database_refused(
            await create(client, host="testhost1"),
            wire,
            'duplicate key value violates unique constraint "user_hosts_tenant_tms_user_id_host_host_account_key"',
            "(code: 2067) UNIQUE constraint failed: user_hosts.tenant, user_hosts.tms_user_id, user_hosts.host, "
            "user_hosts.host_account",
        )
        database_refused(
            await create(client, tms_user_id="nobody"),
            wire,
            'insert or update on table "user_hosts" violates foreign key constraint '
            '"user_hosts_tenant_tms_user_id_fkey"',
            "(code: 787) FOREIGN KEY constraint failed",
        )
        assert await everything(client) == before

    @both
    async def test_ids_after_refused_inserts(self, client, wire):
        """Each refused insert of 0.3.0 has spent an id, whatever refused it (2.0)."""
        await create(client, host="testhost1")
        await create(client, tms_user_id="nobody")
        await create(client)
        assert [found["id"] for found in await listed(client, "userhosts")] == [4 if wire == V030 else 2, 1]

    async def test_one_user_may_have_many_accounts(self, client):
        """On one host, and one account may serve many users."""
        await make_user(client, "user2")
        for user, account in (("testuser1", "second"), ("user2", "second"), ("user2", "testhostaccount1")):
            await make_mapping(client, user, account=account)
        assert len(await listed(client, "userhosts")) == 4


class TestGet:
    """E21."""

    @both
    async def test_a_mapping(self, client, wire):
        """The whole record."""
        text = ELEMENT % ("seeded", '"result_code":"0","result_msg":"success",', "seeded")
        same(await client.get("/v1/tms/userhosts/1", headers=ADMIN), 200, text, wire)

    async def test_an_unknown_id(self, client):
        """No such row, or only in another tenant."""
        for path, headers in (("99", ADMIN), ("-1", ADMIN), ("1", admin("default"))):
            not_found(await client.get(f"/v1/tms/userhosts/{path}", headers=headers))


class TestList:
    """E22."""

    @both
    async def test_mappings_by_user_host_and_account(self, client, wire):
        """Whatever the order of their making."""
        await make_user(client, "another")
        made = [("testuser1", "h2", "a"), ("testuser1", "h1", "b"), ("testuser1", "h1", "a"), ("another", "z", "z")]
        for user, host, account in made:
            await make_mapping(client, user, host, account)
        await delete(client, "userhosts/del", **MAPPING)
        element = (
            '{"created":"<stamp>","expires_at":"<expiry>","host":"%s","host_account":"%s","id":%d,"tenant":"test",'
            '"tms_user_id":"%s","updated":"<stamp>"}'
        )
        in_order = [(3, 5), (2, 4), (1, 3), (0, 2)]
        users = [element % (made[index][1], made[index][2], number, made[index][0]) for index, number in in_order]
        text = f'{{"num_users":4,"result_code":"0","result_msg":"success","users":[{",".join(users)}]}}'
        same(await client.get("/v1/tms/userhosts/list", headers=ADMIN), 200, text, wire)

    async def test_a_tenant_without_mappings(self, client):
        """An empty array."""
        text = '{"num_users":0,"result_code":"0","result_msg":"success","users":[]}'
        same(await client.get("/v1/tms/userhosts/list", headers=admin("default")), 200, text)


class TestDelete:
    """E23."""

    @both
    async def test_the_keys_of_a_mapping_go_with_it(self, client):
        """And their reservations, uncounted; the user, the delegation and keys for other accounts stay."""
        await make_mapping(client, host="host2")
        kept = await make_key(client, host="host2")
        reservation = await make_reservation(client)
        message = "User host testhost1 deleted for user testuser1 and account testhostaccount1"
        text = f'{{"num_deleted":1,"result_code":"0","result_msg":"{message}"}}'
        same(await delete(client, "userhosts/del", **MAPPING), 200, text)
        assert [found["host"] for found in await listed(client, "userhosts")] == ["host2"]
        assert [found["public_key_fingerprint"] for found in await listed(client, "pubkeys")] == [kept]
        not_found(await client.get(f"/v1/tms/reservations/x/{reservation}", headers=ADMIN))
        not_found(await retrieve(client))
        assert (len(await listed(client, "usermfa")), len(await listed(client, "delegations"))) == (1, 1)

    async def test_an_unknown_mapping(self, client):
        """All of user, host and account have to match; the message leaves the account out."""
        before = await everything(client)
        for changed in [{"tms_user_id": "x"}, {"host": "x"}, {"host_account": "x"}]:
            body = {**MAPPING, **changed}
            message = f"Host {body['host']} NOT FOUND for user {body['tms_user_id']} - Nothing deleted"
            text = f'{{"num_deleted":0,"result_code":"0","result_msg":"{message}"}}'
            same(await delete(client, "userhosts/del", **body), 200, text)
        assert await everything(client) == before


class TestUpdate:
    """E24."""

    @both
    async def test_a_new_lifetime(self, clock, client, wire):
        """From now on; the field and its form are the version's own, and `updated` tells of the change."""
        before = (await listed(client, "userhosts"))[0]
        clock.forward(seconds=1)
        ends = {-1: ("6109-12-16", "20:07:01"), 0: ("2026-11-23", "18:00:01"), 5: ("2026-11-23", "18:05:01")}
        for ttl, (day, hour) in ends.items():
            if wire == V030:
                expiry, stored, stamp = f'"expires_msg":"{day} {hour}.123456789 UTC"', ".123456+00:00", "+00:00"
            else:
                expiry, stored, stamp = f'"expires_at":"{day}T{hour}Z"', "Z", "Z"
            message = "1 update(s) to tms_user_id testuser1 completed"
            text = f'{{{expiry},"fields_updated":1,"result_code":"0","result_msg":"{message}"}}'
            same(await patch(client, "userhosts/upd", **MAPPING, ttl_minutes=ttl), 200, text)
            changed = {"expires_at": f"{day}T{hour}{stored}", "updated": f"2026-11-23T18:00:01.123456{stamp}"}
            assert await listed(client, "userhosts") == [{**before, **changed}]

    @both
    async def test_an_unknown_mapping_is_unchanged(self, client, wire):
        """A success of nothing, with the word in the place of the time."""
        before = await everything(client)
        for changed in [{"tms_user_id": "x"}, {"host": "x"}, {"host_account": "x"}]:
            body = {**MAPPING, **changed}
            name = "expires_msg" if wire == V030 else "expires_at"
            message = f"0 update(s) to tms_user_id {body['tms_user_id']} completed"
            text = f'{{"{name}":"UNCHANGED","fields_updated":0,"result_code":"0","result_msg":"{message}"}}'
            same(await patch(client, "userhosts/upd", **body, ttl_minutes=5), 200, text)
        assert await everything(client) == before

    async def test_a_real_0_3_0_cannot_change_mappings(self, client_for):
        """The old expiry stays (D1)."""
        client = await client_for(quirks="real")
        refused(await patch(client, "userhosts/upd", **MAPPING, ttl_minutes=0), 500, NOT_A_TEXT)
        assert (await listed(client, "userhosts"))[0]["expires_at"] == "9999-12-31T23:59:59+00:00"
