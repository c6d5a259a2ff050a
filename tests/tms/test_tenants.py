"""E30 to E35: tenants and, with each, its administrator."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    NOT_A_TEXT,
    V030,
    admin,
    both,
    caller,
    counts,
    database_refused,
    everything,
    extend,
    listed,
    make_client,
    make_host,
    make_key,
    make_reservation,
    make_tenant,
    make_user,
    not_found,
    outcome,
    patch,
    refused,
    retrieve,
    same,
)

CREATED = (
    '{"admin_id":"~~admin","admin_secret":"<secret>","enabled":true,"result_code":"0","result_msg":"success",'
    '"tenant":"%s"}'
)


async def delete_tenant(client, tenant, headers):
    """Send E33 and return the whole answer."""
    return await client.delete(f"/v1/tms/tenants/del/{tenant}", headers=headers)


async def wipe(client, tenant, headers):
    """Send E35 and return the whole answer."""
    return await client.delete(f"/v1/tms/tenants/wipe/{tenant}", headers=headers)


class TestGet:
    """E30."""

    @both
    async def test_anybody_sees_a_tenant(self, client, wire):
        """The whole record without any header; enabled is a number in 0.1.0 (S8)."""
        text = (
            '{"created":"<seeded1>","enabled":<true>,"id":2,"result_code":"0","result_msg":"success","tenant":"test",'
            '"updated":"<seeded1>"}'
        )
        same(await client.get("/v1/tms/tenants/test"), 200, text, wire)

    async def test_a_disabled_tenant_is_shown_too(self, client_for):
        """With `updated` as it was: the start that closes it does not touch that (1.10)."""
        client = await client_for(enable_test_tenant=False)
        text = (
            '{"created":"<seeded1>","enabled":false,"id":2,"result_code":"0","result_msg":"success","tenant":"test",'
            '"updated":"<seeded1>"}'
        )
        same(await client.get("/v1/tms/tenants/test"), 200, text)

    async def test_an_unknown_tenant(self, client):
        """NF, the one refusal of this endpoint; names are case-sensitive."""
        not_found(await client.get("/v1/tms/tenants/none"))
        not_found(await client.get("/v1/tms/tenants/TEST"))


class TestList:
    """E31."""

    @both
    async def test_anybody_sees_all_by_id(self, client, wire):
        """Disabled ones included; enabled is a number in both versions."""
        await make_tenant(client, "a new one")
        await patch(client, "tenants/upd", tenant="test", enabled=False)
        seeded = '{"created":"<seeded1>","enabled":1,"id":1,"tenant":"default","updated":"<seeded1>"}'
        disabled = '{"created":"<seeded1>","enabled":0,"id":2,"tenant":"test","updated":"<stamp>"}'
        created = '{"created":"<stamp2>","enabled":1,"id":3,"tenant":"a new one","updated":"<stamp2>"}'
        elements = f"{seeded},{disabled},{created}"
        text = f'{{"num_tenants":3,"result_code":"0","result_msg":"success","tenants":[{elements}]}}'
        same(await client.get("/v1/tms/tenants/list"), 200, text, wire)


class TestCreate:
    """E32."""

    @both
    async def test_a_new_tenant_and_its_administrator(self, client, wire):
        """The tenant is open, and the secret is its administrator's."""
        body = same(await client.post("/v1/tms/tenants/new", headers=admin("default")), 201, CREATED % "new")
        text = (
            '{"created":"<stamp1>","enabled":<true>,"id":3,"result_code":"0","result_msg":"success","tenant":"new",'
            '"updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/tenants/new"), 200, text, wire)
        headers = admin("new", body["admin_secret"])
        assert await counts(client, headers) == dict.fromkeys(await counts(client), 0)
        assert (await client.get("/v1/tms/client/list", headers=admin("new"))).status_code == 401

    @both
    async def test_a_name_that_exists_is_refused_by_the_database(self, client, wire):
        """Its administrator keeps the old secret (D4)."""
        database_refused(
            await client.post("/v1/tms/tenants/test", headers=admin("default")),
            wire,
            'duplicate key value violates unique constraint "tenants_tenant_key"',
            "(code: 2067) UNIQUE constraint failed: tenants.tenant",
        )
        assert [found["id"] for found in await listed(client, "tenants")] == [1, 2]
        assert len(await listed(client, "client")) == 1

    async def test_names_are_not_validated(self, client):
        """Whatever the path decodes to is the name."""
        for path, name in (("a%20b%2Fc", "a b/c"), ("%C3%A9'", "é'"), ("del", "del"), ("~~admin", "~~admin")):
            same(await client.post(f"/v1/tms/tenants/{path}", headers=admin("default")), 201, CREATED % name)
            assert (await client.get(f"/v1/tms/tenants/{path}")).json()["tenant"] == name

    @pytest.mark.parametrize(("name", "encoded"), [("list", "lis%74"), ("upd", "up%64")])
    async def test_names_of_static_routes_need_an_encoded_letter(self, client, name, encoded):
        """The plain path is another route's (D16); deleting works with the plain name."""
        answer = await client.post(f"/v1/tms/tenants/{name}", headers=admin("default"))
        assert (answer.status_code, answer.text) == (405, "method not allowed")
        answer = await client.post(f"/v1/tms/tenants/{encoded}", headers=admin("default"))
        secret = same(answer, 201, CREATED % name)["admin_secret"]
        assert (await client.get(f"/v1/tms/tenants/{encoded}")).json()["tenant"] == name
        assert (await delete_tenant(client, name, admin(name, secret))).json()["num_deleted"] == 2

    async def test_only_administrators_of_default_create_tenants(self, client):
        """The tenant is looked at before the credentials."""
        message = "ERROR: FORBIDDEN - Only admin users in the 'default' tenant can create new tenants."
        refused(await client.post("/v1/tms/tenants/new", headers=ADMIN), 403, message)
        not_found(await client.get("/v1/tms/tenants/new"))


class TestDelete:
    """E33."""

    @both
    async def test_an_empty_tenant_goes_with_its_administrator(self, client):
        """Two rows; afterwards the tenant is not enabled, and its name is free."""
        headers = await make_tenant(client, "new")
        text = '{"num_deleted":2,"result_code":"0","result_msg":"Tenant new deleted"}'
        same(await delete_tenant(client, "new", headers), 200, text)
        not_found(await client.get("/v1/tms/tenants/new"))
        refused(await delete_tenant(client, "new", headers), 400, "Tenant not enabled.")
        assert await make_tenant(client, "new") != headers

    @both
    async def test_a_tenant_in_use_is_kept(self, client, wire):
        """Whatever is left in it, and its administrator too (D6); of several, clients are named before users."""
        headers = await make_tenant(client, "new")

        async def is_kept(left):
            before = await everything(client, headers)
            database_refused(
                await delete_tenant(client, "new", headers),
                wire,
                f'update or delete on table "tenants" violates foreign key constraint "{left}_tenant_fkey" '
                f'on table "{left}"',
                "(code: 1811) FOREIGN KEY constraint failed",
            )
            assert await everything(client, headers) == before

        await make_host(client, "h", headers=headers)
        await is_kept("hosts")
        await make_user(client, "u", headers=headers)
        await is_kept("user_mfa")
        await make_client(client, "c", "new")
        await is_kept("clients")
        await client.delete("/v1/tms/usermfa/del/u", headers=headers)
        await is_kept("clients")

    async def test_another_tenant_is_forbidden(self, client):
        """The message speaks of a body, though the tenant stands in the path."""
        message = (
            "ERROR: FORBIDDEN - The tenant in the X-TMS-TENANT header (test) does not match "
            "the tenant in the request body (default)"
        )
        refused(await delete_tenant(client, "default", ADMIN), 403, message)
        refused(await wipe(client, "default", ADMIN), 403, message)


class TestUpdate:
    """E34."""

    @both
    async def test_a_disabled_tenant_stays_disabled(self, clock, client, wire):
        """`updated` tells of it, every endpoint of the tenant is closed, and nobody can open it again (S10)."""
        clock.forward(seconds=1)
        message = "1 update(s) to tenant test completed, enabled = false"
        text = f'{{"fields_updated":1,"result_code":"0","result_msg":"{message}"}}'
        same(await patch(client, "tenants/upd", tenant="test", enabled=False), 200, text)
        shown = (await client.get("/v1/tms/tenants/test")).json()
        stamp = "2026-11-23T18:00:01.123456" + ("+00:00" if wire == V030 else "Z")
        assert (shown["enabled"], shown["updated"]) == (False if wire == V030 else 0, stamp)
        refused(await patch(client, "tenants/upd", tenant="test", enabled=True), 400, "Tenant not enabled.")
        refused(await client.get("/v1/tms/client/testclient1", headers=CLIENT), 400, "Tenant not enabled.")
        refused(await wipe(client, "test", ADMIN), 400, "Tenant not enabled.")
        assert (await retrieve(client)).status_code == 200

    async def test_an_enabled_tenant_may_be_enabled(self, client):
        """It counts as one update."""
        message = "1 update(s) to tenant test completed, enabled = true"
        text = f'{{"fields_updated":1,"result_code":"0","result_msg":"{message}"}}'
        same(await patch(client, "tenants/upd", tenant="test", enabled=True), 200, text)

    async def test_a_real_0_3_0_cannot_disable_tenants(self, client_for):
        """The tenant stays open (D1)."""
        client = await client_for(quirks="real")
        refused(await patch(client, "tenants/upd", tenant="test", enabled=False), 500, NOT_A_TEXT)
        assert (await client.get("/v1/tms/tenants/test")).json()["enabled"] is True


class TestWipe:
    """E35."""

    @both
    async def test_all_rows_of_all_nine_tables_are_counted(self, client):
        """Cascades hide nothing from the count; other tenants keep everything."""
        await make_client(client, "kept", "default")
        await make_user(client, "kept", headers=admin("default"))
        kept = {name: await listed(client, name, admin("default")) for name in ("client", "usermfa")}
        await make_client(client, "client2")
        await make_user(client, "user2")
        await make_host(client, "host1")
        fingerprint = await make_key(client)
        parent = await make_reservation(client, fingerprint)
        assert (await extend(client, parent)).status_code == 201
        assert await counts(client) == {
            "client": 2,
            "usermfa": 2,
            "userhosts": 1,
            "delegations": 1,
            "pubkeys": 2,
            "hosts": 1,
        }
        text = '{"num_deleted":13,"result_code":"0","result_msg":"Tenant test and dependencies wiped"}'
        same(await wipe(client, "test", ADMIN), 200, text)
        assert [found["tenant"] for found in await listed(client, "tenants")] == ["default"]
        assert {name: await listed(client, name, admin("default")) for name in kept} == kept
        not_found(await retrieve(client))
        not_found(await retrieve(client, fingerprint))
        headers = await make_tenant(client, "test")
        assert set((await counts(client, headers)).values()) == {0}

    async def test_a_new_tenant_has_two_rows(self, client):
        """The tenant and its administrator."""
        headers = await make_tenant(client, "new")
        text = '{"num_deleted":2,"result_code":"0","result_msg":"Tenant new and dependencies wiped"}'
        same(await wipe(client, "new", headers), 200, text)
        not_found(await client.get("/v1/tms/tenants/new"))


async def test_a_closed_test_tenant_refuses_everything_but_getkey(client_for):
    """Each endpoint that looks at the tenant says so; E10, E30 and E31 do not look (5.3)."""
    client = await client_for(enable_test_tenant=False)
    key = {"client_id": "testclient1", "tenant": "test", "host": "h", "public_key_fingerprint": "f"}
    answers = [
        await client.get("/v1/tms/client/testclient1", headers=CLIENT),
        await client.get("/v1/tms/usermfa/list", headers=ADMIN),
        await client.post("/v1/tms/hosts", headers=ADMIN, json={"tenant": "test", "host": "h", "addr": "a"}),
        await client.request("DELETE", "/v1/tms/pubkeys/del", headers=CLIENT, json=key),
        await client.patch("/v1/tms/pubkeys", headers=CLIENT, json=key),
        await delete_tenant(client, "test", ADMIN),
    ]
    assert [outcome(answer) for answer in answers] == [(400, "Tenant not enabled.")] * 6
    wrong = caller("testclient1", "wrong")
    assert (await client.patch("/v1/tms/pubkeys", headers=wrong, json=key)).status_code == 401
    assert (await retrieve(client)).status_code == 200
