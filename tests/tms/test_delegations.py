"""E25 to E29: users who let a client act for them."""

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
    make_client,
    make_delegation,
    make_key,
    make_reservation,
    make_user,
    not_found,
    patch,
    refused,
    retrieve,
    same,
)

DELEGATION = {"client_id": "testclient1", "client_user_id": "testuser1", "tenant": "test"}
ELEMENT = (
    '{"client_id":"testclient1","client_user_id":"testuser1","created":"<%s1>","expires_at":"<never>","id":1,%s'
    '"tenant":"test","updated":"<%s1>"}'
)
NO_USER = (
    'insert or update on table "delegations" violates foreign key constraint "delegations_tenant_client_user_id_fkey"'
)
NO_CLIENT = (
    'insert or update on table "delegations" violates foreign key constraint "delegations_tenant_client_id_fkey"'
)


async def create(client, ttl=10, **changed):
    """Post E25 and return the whole answer."""
    body = {**DELEGATION, "ttl_minutes": ttl, **changed}
    return await client.post("/v1/tms/delegations", headers=ADMIN, json=body)


class TestCreate:
    """E25."""

    @both
    async def test_a_new_delegation_and_its_record(self, client, wire):
        """Created and updated are the same instant."""
        await make_client(client, "client2")
        text = (
            '{"client_id":"client2","client_user_id":"testuser1","expires_at":"<fresh>","result_code":"0",'
            '"result_msg":"success"}'
        )
        same(await create(client, client_id="client2"), 201, text, wire)
        text = (
            '{"client_id":"client2","client_user_id":"testuser1","created":"<stamp1>","expires_at":"<expiry>","id":2,'
            '"result_code":"0","result_msg":"success","tenant":"test","updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/delegations/2", headers=ADMIN), 200, text, wire)

    @both
    @pytest.mark.usefixtures("clock")
    async def test_lifetimes(self, client, wire):
        """A negative number is the largest one and not 9999 (D11); the answer's nanoseconds are not stored (D14)."""
        ends = {-9: "6109-12-16T20:07", 0: "2026-11-23T18:00", 1440: "2026-11-24T18:00", LARGEST: "6109-12-16T20:07"}
        forms = (":00.123456789+00:00", ":00.123456+00:00") if wire == V030 else (":00Z", ":00Z")
        for number, (ttl, end) in enumerate(ends.items(), 2):
            await make_user(client, f"user {ttl}")
            answer = await create(client, ttl, client_user_id=f"user {ttl}")
            stored = await client.get(f"/v1/tms/delegations/{number}", headers=ADMIN)
            got = answer.json()["expires_at"], stored.json()["expires_at"]
            assert got == (end + forms[0], end + forms[1])

    @both
    async def test_a_duplicate_and_missing_parents_are_refused_by_the_database(self, client, wire):
        """Of two missing parents the user is named (D4, D5)."""
        before = await everything(client)
        database_refused(
            await create(client),
            wire,
            'duplicate key value violates unique constraint "delegations_tenant_client_id_client_user_id_key"',
            "(code: 2067) UNIQUE constraint failed: delegations.tenant, delegations.client_id, "
            "delegations.client_user_id",
        )
        missing = "(code: 787) FOREIGN KEY constraint failed"
        database_refused(await create(client, client_user_id="x"), wire, NO_USER, missing)
        database_refused(await create(client, client_id="x"), wire, NO_CLIENT, missing)
        database_refused(await create(client, client_id="x", client_user_id="x"), wire, NO_USER, missing)
        assert await everything(client) == before


class TestGet:
    """E26."""

    @both
    async def test_a_delegation(self, client, wire):
        """The whole record."""
        text = ELEMENT % ("seeded", '"result_code":"0","result_msg":"success",', "seeded")
        same(await client.get("/v1/tms/delegations/1", headers=ADMIN), 200, text, wire)

    async def test_an_unknown_id(self, client):
        """No such row, or only in another tenant."""
        for path, headers in (("99", ADMIN), ("-1", ADMIN), ("1", admin("default"))):
            not_found(await client.get(f"/v1/tms/delegations/{path}", headers=headers))


class TestList:
    """E27."""

    @both
    async def test_delegations_by_client_and_user(self, client, wire):
        """In an array called users, whatever the order of their making."""
        await make_client(client, "another")
        for name in ("b", "a"):
            await make_user(client, name)
        made = [("testclient1", "b"), ("testclient1", "a"), ("another", "testuser1")]
        for client_id, user in made:
            await make_delegation(client, user, client_id)
        element = (
            '{"client_id":"%s","client_user_id":"%s","created":"<stamp>","expires_at":"<expiry>","id":%d,'
            '"tenant":"test","updated":"<stamp>"}'
        )
        users = [element % (*made[2], 4), element % (*made[1], 3), element % (*made[0], 2)]
        users.append(ELEMENT % ("seeded", "", "seeded"))
        text = f'{{"num_users":4,"result_code":"0","result_msg":"success","users":[{",".join(users)}]}}'
        same(await client.get("/v1/tms/delegations/list", headers=ADMIN), 200, text, wire)

    async def test_a_tenant_without_delegations(self, client):
        """An empty array."""
        text = '{"num_users":0,"result_code":"0","result_msg":"success","users":[]}'
        same(await client.get("/v1/tms/delegations/list", headers=admin("default")), 200, text)


class TestDelete:
    """E28."""

    @both
    async def test_the_keys_of_a_delegation_go_with_it(self, client):
        """And their reservations, uncounted; the user, the client, the mapping and other clients' keys stay."""
        other = await make_client(client, "other")
        await make_delegation(client, client_id="other")
        kept = await make_key(client, other)
        reservation = await make_reservation(client)
        message = "User delegation deleted for user testuser1 and client testclient1"
        text = f'{{"num_deleted":1,"result_code":"0","result_msg":"{message}"}}'
        same(await delete(client, "delegations/del", **DELEGATION), 200, text)
        assert [found["client_id"] for found in await listed(client, "delegations")] == ["other"]
        assert [found["public_key_fingerprint"] for found in await listed(client, "pubkeys")] == [kept]
        not_found(await client.get(f"/v1/tms/reservations/x/{reservation}", headers=ADMIN))
        not_found(await retrieve(client))
        kinds = [len(await listed(client, name)) for name in ("client", "usermfa", "userhosts")]
        assert kinds == [2, 1, 1]

    async def test_an_unknown_delegation(self, client):
        """Client and user have to match."""
        before = await everything(client)
        for changed in [{"client_id": "x"}, {"client_user_id": "x"}]:
            body = {**DELEGATION, **changed}
            message = f"Delegation to client {body['client_id']} NOT FOUND for user {body['client_user_id']}"
            text = f'{{"num_deleted":0,"result_code":"0","result_msg":"{message} - Nothing deleted"}}'
            same(await delete(client, "delegations/del", **body), 200, text)
        assert await everything(client) == before


class TestUpdate:
    """E29."""

    @both
    async def test_a_new_lifetime(self, clock, client, wire):
        """From now on; the field and its form are the version's own, and `updated` tells of the change."""
        before = (await listed(client, "delegations"))[0]
        clock.forward(seconds=1)
        ends = {-1: ("6109-12-16", "20:07:01"), 0: ("2026-11-23", "18:00:01"), 5: ("2026-11-23", "18:05:01")}
        for ttl, (day, hour) in ends.items():
            if wire == V030:
                expiry, stored, stamp = f'"expires_msg":"{day} {hour}.123456789 UTC"', ".123456+00:00", "+00:00"
            else:
                expiry, stored, stamp = f'"expires_at":"{day}T{hour}Z"', "Z", "Z"
            message = "1 update(s) to user testuser1 and client testclient1 completed"
            text = f'{{{expiry},"fields_updated":1,"result_code":"0","result_msg":"{message}"}}'
            same(await patch(client, "delegations/upd", **DELEGATION, ttl_minutes=ttl), 200, text)
            changed = {"expires_at": f"{day}T{hour}{stored}", "updated": f"2026-11-23T18:00:01.123456{stamp}"}
            assert await listed(client, "delegations") == [{**before, **changed}]

    @both
    async def test_an_unknown_delegation_is_unchanged(self, client, wire):
        """A success of nothing, with the word in the place of the time."""
        before = await everything(client)
        for changed in [{"client_id": "x"}, {"client_user_id": "x"}]:
            body = {**DELEGATION, **changed}
            name = "expires_msg" if wire == V030 else "expires_at"
            message = f"0 update(s) to user {body['client_user_id']} and client {body['client_id']} completed"
            text = f'{{"{name}":"UNCHANGED","fields_updated":0,"result_code":"0","result_msg":"{message}"}}'
            same(await patch(client, "delegations/upd", **body, ttl_minutes=5), 200, text)
        assert await everything(client) == before

    async def test_a_real_0_3_0_cannot_change_delegations(self, client_for):
        """The old expiry stays (D1)."""
        client = await client_for(quirks="real")
        refused(await patch(client, "delegations/upd", **DELEGATION, ttl_minutes=0), 500, NOT_A_TEXT)
        assert (await listed(client, "delegations"))[0]["expires_at"] == "9999-12-31T23:59:59+00:00"
