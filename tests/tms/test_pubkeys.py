"""E11 to E14: showing, changing and deleting keys."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    LARGEST,
    NOT_A_TEXT,
    STANDARD_FINGERPRINT,
    V030,
    admin,
    both,
    caller,
    delete,
    everything,
    listed,
    make_client,
    make_key,
    make_login,
    make_mapping,
    make_reservation,
    not_found,
    patch,
    refused,
    retrieve,
    same,
)

KEY = {"client_id": "testclient1", "tenant": "test", "host": "testhost1"}
SEEDED = {**KEY, "public_key_fingerprint": STANDARD_FINGERPRINT}
FAR = "6109-12-16T20:07:00"
NO_UPDATES = '{"fields_updated":0,"result_code":"0","result_msg":"No updates specified"}'


def updates(number):
    """Return the body of E14 after a change."""
    message = f"{number} update(s) to client testclient1 completed"
    return f'{{"fields_updated":{number},"result_code":"0","result_msg":"{message}"}}'


def expiry(wire, text, digits=".123456"):
    """Return an instant of the stopped clock in the form of the version."""
    return f"{text}{digits}+00:00" if wire == V030 else f"{text}Z"


async def stored(client, fingerprint):
    """Return the record of a key."""
    return next(found for found in await listed(client, "pubkeys") if found["public_key_fingerprint"] == fingerprint)


class TestGet:
    """E11."""

    async def test_whose_key_it_is(self, client):
        """A client sees its own keys, an administrator all of the tenant; for others they do not exist."""
        other = await make_client(client, "other")
        for headers in (CLIENT, ADMIN):
            assert (await client.get("/v1/tms/pubkeys/id/1", headers=headers)).json()["id"] == 1
        for headers in (other, admin("default")):
            not_found(await client.get("/v1/tms/pubkeys/id/1", headers=headers))
        for number in ("2", "0", "-1"):
            not_found(await client.get(f"/v1/tms/pubkeys/id/{number}", headers=ADMIN))


class TestList:
    """E12."""

    @both
    async def test_the_whole_body(self, client, wire):
        """An element has the fields of E11 without result_code and result_msg."""
        element = (
            '{"client_id":"testclient1","client_user_id":"testuser1","created":"<seeded1>","expires_at":"<never>",'
            '"host":"testhost1","host_account":"testhostaccount1","id":1,"initial_ttl_minutes":2147483647,'
            '"key_bits":256,"key_type":"ed25519","max_uses":2147483647,"public_key":"<public>",'
            f'"public_key_fingerprint":"{STANDARD_FINGERPRINT}","remaining_uses":2147483647,"tenant":"test",'
            '"updated":"<seeded1>"}'
        )
        text = f'{{"num_pubkeys":1,"pubkeys":[{element}],"result_code":"0","result_msg":"success"}}'
        same(await client.get("/v1/tms/pubkeys/list", headers=CLIENT), 200, text, wire)

    async def test_keys_by_user_host_and_account(self, client):
        """Whatever the order of their making; a client gets its own alone."""
        await make_login(client, "zoe", host="h2", account="a")
        for host, account in (("h1", "b"), ("h1", "a")):
            await make_mapping(client, "zoe", host, account)
            await make_key(client, user="zoe", host=host, account=account)
        other = await make_client(client, "other")
        await make_login(client, "anna", other)
        keys = await listed(client, "pubkeys")
        assert [(key["client_user_id"], key["host"], key["host_account"]) for key in keys] == [
            ("anna", "testhost1", "testhostaccount1"),
            ("testuser1", "testhost1", "testhostaccount1"),
            ("zoe", "h1", "a"),
            ("zoe", "h1", "b"),
            ("zoe", "h2", "a"),
        ]
        assert await listed(client, "pubkeys", CLIENT) == keys[1:]
        assert await listed(client, "pubkeys", other) == keys[:1]

    async def test_a_tenant_without_keys(self, client):
        """An empty array."""
        text = '{"num_pubkeys":0,"pubkeys":[],"result_code":"0","result_msg":"success"}'
        same(await client.get("/v1/tms/pubkeys/list", headers=admin("default")), 200, text)


class TestDelete:
    """E13."""

    @pytest.mark.parametrize("headers", [CLIENT, ADMIN], ids=["client", "admin"])
    async def test_the_reservations_of_a_key_go_with_it(self, client, headers):
        """Uncounted; other keys and everything else stay."""
        kept = await make_key(client)
        reservation = await make_reservation(client)
        kept_reservation = await make_reservation(client, kept)
        message = f"Pubkey {STANDARD_FINGERPRINT} for host testhost1 deleted"
        text = f'{{"num_deleted":1,"result_code":"0","result_msg":"{message}"}}'
        same(await delete(client, "pubkeys/del", headers, **SEEDED), 200, text)
        assert [found["public_key_fingerprint"] for found in await listed(client, "pubkeys")] == [kept]
        not_found(await client.get(f"/v1/tms/reservations/x/{reservation}", headers=ADMIN))
        assert (await client.get(f"/v1/tms/reservations/x/{kept_reservation}", headers=ADMIN)).status_code == 200
        not_found(await retrieve(client))
        kinds = [len(await listed(client, name)) for name in ("client", "usermfa", "userhosts", "delegations")]
        assert kinds == [1, 1, 1, 1]

    async def test_an_unknown_key(self, client):
        """Client, host and fingerprint have to match."""
        await make_client(client, "other")
        before = await everything(client)
        for changed in ({"host": "x"}, {"public_key_fingerprint": "x"}, {"client_id": "other"}):
            body = {**SEEDED, **changed}
            message = (
                f"Pubkey {body['public_key_fingerprint']} NOT FOUND for host {body['host']} "
                f"and client {body['client_id']} - Nothing deleted"
            )
            text = f'{{"num_deleted":0,"result_code":"0","result_msg":"{message}"}}'
            same(await delete(client, "pubkeys/del", **body), 200, text)
        assert await everything(client) == before

    async def test_a_tenant_header_that_is_missing_is_a_401(self, client):
        """Elsewhere it is a 400 (D15); one that is not ASCII is the same."""
        message = "ERROR: NOT AUTHORIZED to delete public key testclient1 in tenant test."
        credentials = {name: value for name, value in CLIENT.items() if name != "X-TMS-TENANT"}
        refused(await delete(client, "pubkeys/del", credentials, **SEEDED), 401, message)
        unusable = {**credentials, "X-TMS-TENANT": "té".encode()}
        refused(await delete(client, "pubkeys/del", unusable, **SEEDED), 401, message)
        assert len(await listed(client, "pubkeys")) == 1

    async def test_authorization_comes_first_and_the_tenant_last(self, client_for):
        """401 before 403 before `Tenant not enabled.`, for both kinds of mismatch."""
        client = await client_for(enable_test_tenant=False)
        wrong = "ERROR: NOT AUTHORIZED to delete public key x in tenant y."
        headers = caller("testclient1", "wrong")
        refused(await delete(client, "pubkeys/del", headers, **{**SEEDED, "client_id": "x", "tenant": "y"}), 401, wrong)
        for changed, named in (({"client_id": "x"}, "x@test"), ({"tenant": "y"}, "testclient1@y")):
            message = f"ERROR: NOT AUTHORIZED - Payload parameters ({named}) differ from those in the request header."
            refused(await delete(client, "pubkeys/del", CLIENT, **{**SEEDED, **changed}), 403, message)
        refused(await delete(client, "pubkeys/del", CLIENT, **SEEDED), 400, "Tenant not enabled.")


class TestUpdate:
    """E14."""

    @pytest.mark.parametrize("quirks", ["intended", "real"])
    async def test_without_a_value_nothing_happens(self, client_for, quirks):
        """The answer says so, for an unknown key too; null is the same as absent."""
        client = await client_for(quirks=quirks)
        before = await listed(client, "pubkeys")
        same(await patch(client, "pubkeys", CLIENT, **SEEDED), 200, NO_UPDATES)
        nothing = {"max_uses": None, "ttl_minutes": None}
        same(await patch(client, "pubkeys", ADMIN, **{**SEEDED, "host": "none"}, **nothing), 200, NO_UPDATES)
        assert await listed(client, "pubkeys") == before

    @both
    async def test_both_values(self, clock, client, wire):
        """Two updates and a new `updated`; the initial lifetime stays."""
        fingerprint = await make_key(client, uses=5, ttl=60)
        before = await stored(client, fingerprint)
        clock.forward(minutes=1)
        body = {**KEY, "public_key_fingerprint": fingerprint, "max_uses": 9, "ttl_minutes": 30}
        same(await patch(client, "pubkeys", CLIENT, **body), 200, updates(2))
        updated = "2026-11-23T18:01:00.123456" + ("+00:00" if wire == V030 else "Z")
        changed = {"max_uses": 9, "remaining_uses": 9, "expires_at": expiry(wire, "2026-11-23T18:31:00")}
        assert await stored(client, fingerprint) == {**before, **changed, "updated": updated}

    @both
    @pytest.mark.usefixtures("clock")
    async def test_one_value(self, client, wire):
        """The other one stays, whatever it is; 0 is no uses, or expires now; large values are clamped (1.7)."""
        fingerprint = await make_key(client, uses=5, ttl=60)
        key = {**KEY, "public_key_fingerprint": fingerprint}
        for asked, got in ((0, 0), (3, 3), (LARGEST + 1, LARGEST), (4294967295, LARGEST)):
            same(await patch(client, "pubkeys", ADMIN, **key, max_uses=asked), 200, updates(1))
            record = await stored(client, fingerprint)
            assert (record["max_uses"], record["remaining_uses"]) == (got, got)
            assert record["expires_at"] == expiry(wire, "2026-11-23T19:00:00")
        ends = {0: "2026-11-23T18:00:00", 5: "2026-11-23T18:05:00", LARGEST: FAR, 4294967295: FAR}
        for asked, end in ends.items():
            same(await patch(client, "pubkeys", ADMIN, **key, ttl_minutes=asked), 200, updates(1))
            record = await stored(client, fingerprint)
            assert (record["max_uses"], record["expires_at"]) == (LARGEST, expiry(wire, end))
            assert record["initial_ttl_minutes"] == 60

    async def test_uses_that_are_gone_stay_gone(self, client_for):
        """The new remainder is the new maximum less what was used, and never below zero."""
        client = await client_for(strict=True)
        fingerprint = await make_key(client, uses=5)
        for _ in range(2):
            assert (await retrieve(client, fingerprint)).status_code == 200
        for new_max, remaining in ((10, 8), (3, 1), (2, 0)):
            await patch(client, "pubkeys", CLIENT, **KEY, public_key_fingerprint=fingerprint, max_uses=new_max)
            record = await stored(client, fingerprint)
            assert (record["max_uses"], record["remaining_uses"]) == (new_max, remaining)
        await patch(client, "pubkeys", CLIENT, **KEY, public_key_fingerprint=fingerprint, max_uses=1)
        record = await stored(client, fingerprint)
        assert (record["max_uses"], record["remaining_uses"]) == (1, 0)

    @pytest.mark.parametrize("quirks", ["intended", "real"])
    async def test_an_unknown_key(self, client_for, quirks):
        """NF, which comes before the error of a real 0.3.0."""
        client = await client_for(quirks=quirks)
        await make_client(client, "other")
        for changed in ({"host": "x"}, {"public_key_fingerprint": "x"}, {"client_id": "other"}):
            not_found(await patch(client, "pubkeys", ADMIN, **{**SEEDED, **changed}, max_uses=1))

    async def test_a_real_0_3_0_cannot_change_keys(self, client_for):
        """The record stays as it was (D1)."""
        client = await client_for(quirks="real")
        before = await listed(client, "pubkeys")
        refused(await patch(client, "pubkeys", CLIENT, **SEEDED, max_uses=1), 500, NOT_A_TEXT)
        refused(await patch(client, "pubkeys", CLIENT, **SEEDED, ttl_minutes=1), 500, NOT_A_TEXT)
        assert await listed(client, "pubkeys") == before

    async def test_the_header_then_authorization_then_the_tenant(self, client_for):
        """400, 401 without a colon behind ERROR, 403 for both kinds of mismatch, and the tenant last."""
        client = await client_for(enable_test_tenant=False)
        credentials = {name: value for name, value in CLIENT.items() if name != "X-TMS-TENANT"}
        message = "Required 'X-TMS-TENANT' HTTP header not found"
        refused(await patch(client, "pubkeys", credentials, **SEEDED), 400, message)
        wrong = caller("testclient1", "wrong")
        message = "ERROR NOT AUTHORIZED to update client x in tenant test."
        refused(await patch(client, "pubkeys", wrong, **{**SEEDED, "client_id": "x"}), 401, message)
        for changed, named in (({"client_id": "x"}, "x@test"), ({"tenant": "y"}, "testclient1@y")):
            message = f"ERROR: FORBIDDEN - Payload parameters ({named}) differ from those in the request header."
            refused(await patch(client, "pubkeys", CLIENT, **{**SEEDED, **changed}), 403, message)
        refused(await patch(client, "pubkeys", CLIENT, **SEEDED), 400, "Tenant not enabled.")


@both
async def test_ids_of_keys_after_a_delete(client, wire):
    """0.1.0 gives the id again."""
    await make_key(client)
    fingerprint = await make_key(client)
    await delete(client, "pubkeys/del", **KEY, public_key_fingerprint=fingerprint)
    record = await stored(client, await make_key(client))
    assert record["id"] == (4 if wire == V030 else 3)
