"""E40 to E44: reservations, their families, and that they influence nothing."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    LARGEST,
    NUL_TEXT,
    STANDARD_FINGERPRINT,
    V010,
    V030,
    admin,
    both,
    delete,
    everything,
    extend,
    listed,
    make_client,
    make_delegation,
    make_key,
    make_login,
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

UNMET = "Missing or expired dependency: "
NEW = '{"expires_at":"%s","parent_resid":"<uuid1>","resid":"<uuid%d>","result_code":"0","result_msg":"success"}'
RECORD = (
    '{"client_id":"testclient1","client_user_id":"testuser1","created":"<stamp1>","expires_at":"<expiry>",'
    '"host":"testhost1","id":%d,"parent_resid":"%s","public_key_fingerprint":"' + STANDARD_FINGERPRINT + '",'
    '"resid":"%s","result_code":"0","result_msg":"success","tenant":"test","updated":"<stamp1>"}'
)


async def create(client, headers=CLIENT, **changed):
    """Post E40 and return the whole answer."""
    body = {"client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT}
    return await client.post("/v1/tms/reservations", headers=headers, json={**body, "ttl_minutes": 10, **changed})


async def get(client, resid, headers=CLIENT, client_id="testclient1"):
    """Send E42 and return the whole answer."""
    return await client.get(f"/v1/tms/reservations/{client_id}/{resid}", headers=headers)


async def family(client):
    """Make a parent with two children and return their ids."""
    parent = await make_reservation(client)
    return parent, *[(await extend(client, parent)).json()["resid"] for _ in range(2)]


async def present(client, *resids):
    """Return which reservations are there."""
    return [(await get(client, resid, ADMIN)).status_code == 200 for resid in resids]


class TestCreate:
    """E40."""

    @both
    async def test_a_new_reservation_and_its_record(self, client, wire):
        """Its own parent; created and updated are the same instant; no use of the key is consumed."""
        before = await everything(client)
        body = same(await create(client), 201, NEW % ("<fresh>", 1), wire)
        for headers in (CLIENT, ADMIN):
            answer = await get(client, body["resid"], headers)
            same(answer, 200, RECORD % (1, body["resid"], body["resid"]), wire)
        assert await everything(client) == before

    @both
    @pytest.mark.usefixtures("clock")
    async def test_lifetimes(self, client, wire):
        """At most 2880 minutes, which a negative number means too; the nanoseconds are not stored (1.7, D14)."""
        longest = "2026-11-25T18:00:00"
        ends = {-1: longest, 0: "2026-11-23T18:00:00", 10: "2026-11-23T18:10:00", 2880: longest, 2881: longest}
        for ttl, end in {**ends, LARGEST: longest}.items():
            body = (await create(client, ttl_minutes=ttl)).json()
            record = (await get(client, body["resid"])).json()
            forms = (".123456789+00:00", ".123456+00:00") if wire == V030 else ("Z", "Z")
            assert (body["expires_at"], record["expires_at"]) == (end + forms[0], end + forms[1])

    @both
    async def test_the_key_has_to_be_the_client_s_and_usable(self, clock, client, wire):
        """404 without one, then its uses, then its expiry, then the dependencies, each before all that follow."""
        other = await make_client(client, "other")
        which = "for client testclient1@test on host {} with fingerprint {}"
        for changed in ({"host": "x"}, {"public_key_fingerprint": "x"}):
            found = {"host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT, **changed}
            message = f"NOT FOUND: No pubkey {which.format(*found.values())}."
            refused(await create(client, **changed, client_user_id="nobody"), 404, message)
        message = (
            f"NOT FOUND: No pubkey for client other@test on host testhost1 with fingerprint {STANDARD_FINGERPRINT}."
        )
        refused(await create(client, other), 404, message)
        fingerprint = await make_key(client, uses=0, ttl=1)
        clock.forward(minutes=1, microseconds=1)
        key = f"Pubkey {which.format('testhost1', fingerprint)}"
        changed = {"public_key_fingerprint": fingerprint, "client_user_id": "nobody"}
        refused(await create(client, **changed), 403, f"{key} has no remaining uses.")
        body = {"client_id": "testclient1", "tenant": "test", "host": "testhost1", "max_uses": 1}
        await patch(client, "pubkeys", **body, public_key_fingerprint=fingerprint)
        expired = "2026-11-23 18:01:00.123456 UTC" if wire == V030 else "2026-11-23T18:01:00Z"
        refused(await create(client, **changed), 403, f"{key} expired at {expired}.")
        await patch(client, "pubkeys", **body, public_key_fingerprint=fingerprint, ttl_minutes=1)
        message = f"{UNMET}Required user MFA record not found for user ID nobody in tenant test."
        refused(await create(client, **changed), 403, message)

    async def test_dependencies_of_the_body_s_user_and_the_key_s_account(self, client):
        """An account that the key is not for does not serve."""
        await make_user(client, "u")
        await make_mapping(client, "u", account="another account")
        await make_delegation(client, "u")
        which = "for user u@test with account testhostaccount1 on host testhost1"
        message = f"{UNMET}Required user host record not found {which}."
        refused(await create(client, client_user_id="u"), 403, message)

    async def test_the_user_need_not_be_the_key_s(self, client):
        """One who has the same account and has delegated may reserve it (S17)."""
        await make_login(client, "u")
        resid = await make_reservation(client, user="u")
        assert (await get(client, resid)).json()["client_user_id"] == "u"

    async def test_the_status_is_chosen_by_the_text(self, client):
        """`INTERNAL ERROR:` in the user turns 403 into 500; the texts about the key are not searched (D10)."""
        message = f"{UNMET}Required user MFA record not found for user ID INTERNAL ERROR: u in tenant test."
        refused(await create(client, client_user_id="INTERNAL ERROR: u"), 500, message)
        which = "for client testclient1@test on host INTERNAL ERROR: h with fingerprint"
        message = f"NOT FOUND: No pubkey {which} {STANDARD_FINGERPRINT}."
        refused(await create(client, host="INTERNAL ERROR: h"), 404, message)

    async def test_a_nul(self, client):
        """In the key's fields 500, in the user 403 (D8)."""
        message = "ERROR: Unable to access pubkey for client testclient1@test on host {} with fingerprint {}."
        fingerprint = {"public_key_fingerprint": "a\0"}
        refused(await create(client, **fingerprint), 500, message.format("testhost1", "a\0"))
        refused(await create(client, host="h\0", **fingerprint), 500, message.format("h\0", "a\0"))
        refused(await create(client, client_user_id="u\0"), 403, UNMET + NUL_TEXT)

    @pytest.mark.on_sqlite
    @pytest.mark.parametrize("wire", [V010])
    async def test_a_nul_is_a_character_for_0_1_0(self, client):
        """It is looked up and given back."""
        message = "NOT FOUND: No pubkey for client testclient1@test on host testhost1 with fingerprint a\0."
        refused(await create(client, public_key_fingerprint="a\0"), 404, message)


class TestExtend:
    """E41."""

    @both
    async def test_a_child_and_its_record(self, client, wire):
        """It expires with its parent, in the form of a stored time (D12)."""
        parent = await make_reservation(client)
        expires_at = (await get(client, parent)).json()["expires_at"]
        body = same(await extend(client, parent), 201, NEW % ("<expiry>", 2), wire)
        assert (body["parent_resid"], body["expires_at"]) == (parent, expires_at)
        record = same(await get(client, body["resid"]), 200, RECORD % (2, parent, body["resid"]), wire)
        assert record["expires_at"] == expires_at

    @both
    async def test_each_condition_in_its_turn(self, clock, client, wire):
        """The seven details in order, each while all behind it fail too."""
        parent = await make_reservation(client, ttl=10)
        child = (await extend(client, parent)).json()["resid"]
        late = "2026-11-23 18:10:00.123456 UTC" if wire == V030 else "2026-11-23T18:10:00Z"
        clock.forward(minutes=10, microseconds=1)
        nothing = {"client_user_id": "u", "host": "h", "public_key_fingerprint": "f"}
        message = f"{UNMET}NOT_FOUND: Reservation none not found for client testclient1 in tenant test."
        refused(await extend(client, "none", **nothing), 404, message)
        message = (
            f"{UNMET}Reservation {child} cannot be designated as parent for another reservation "
            f"because it is already a child of reservation {parent}."
        )
        refused(await extend(client, child, **nothing), 403, message)
        message = f"{UNMET}Parent reservation {parent} for client testclient1 in tenant test expired at {late}."
        refused(await extend(client, parent, **nothing), 403, message)
        parent = await make_reservation(client)
        message = f"{UNMET}No MFA entry found for user u in tenant test ."
        refused(await extend(client, parent, **nothing), 403, message)
        await make_user(client, "u")
        key = "for client testclient1@test on host h with fingerprint f"
        message = f"{UNMET}Unable to retrieve host account from pubkey record {key}."
        refused(await extend(client, parent, **nothing), 403, message)
        mapping = "for user u@test for account testhostaccount1 on host testhost1"
        message = f"{UNMET}No user/host mapping found {mapping}."
        refused(await extend(client, parent, client_user_id="u"), 403, message)
        await make_mapping(client, "u")
        message = f"{UNMET}No delegation to client testclient1 found for user u in tenant test."
        refused(await extend(client, parent, client_user_id="u"), 403, message)
        await make_delegation(client, "u")
        assert (await extend(client, parent, client_user_id="u")).status_code == 201

    async def test_the_parent_has_to_be_the_client_s(self, client):
        """Another client finds none, and a key of its own does not help."""
        other = await make_client(client, "other")
        await make_login(client, "u", other)
        parent = await make_reservation(client)
        message = f"{UNMET}NOT_FOUND: Reservation {parent} not found for client other in tenant test."
        refused(await extend(client, parent, other), 404, message)

    async def test_only_existence_is_looked_at(self, clock, client):
        """A disabled user, expired records and a key without uses serve (S7); so does any number of children."""
        user = await make_login(client, "u")
        parent = await make_reservation(client)
        key = {"client_id": "testclient1", "tenant": "test", "host": "testhost1", "public_key_fingerprint": user}
        await patch(client, "pubkeys", **key, max_uses=0, ttl_minutes=0)
        mapping = {"tms_user_id": "u", "host": "testhost1", "host_account": "testhostaccount1", "tenant": "test"}
        await patch(client, "userhosts/upd", **mapping, ttl_minutes=0)
        delegation = {"client_id": "testclient1", "client_user_id": "u", "tenant": "test"}
        await patch(client, "delegations/upd", **delegation, ttl_minutes=0)
        await patch(client, "usermfa/upd", tms_user_id="u", tenant="test", enabled=False)
        clock.forward(minutes=1)
        for _ in range(3):
            answer = await extend(client, parent, client_user_id="u", public_key_fingerprint=user)
            assert answer.status_code == 201

    async def test_user_host_and_key_need_not_be_the_parent_s(self, client):
        """The child's are the body's (S7)."""
        fingerprint = await make_login(client, "u", host="h", account="a")
        parent = await make_reservation(client)
        body = {"client_user_id": "u", "host": "h", "public_key_fingerprint": fingerprint}
        child = (await extend(client, parent, **body)).json()["resid"]
        record = (await get(client, child)).json()
        assert record == {**record, **body, "parent_resid": parent}

    async def test_the_status_is_chosen_by_the_text(self, client):
        """`NOT_FOUND:` in a field makes 404 and wins over `INTERNAL ERROR:`, which makes 500 (D10)."""
        parent = await make_reservation(client)
        statuses = {
            "NOT_FOUND: u": 404,
            "INTERNAL ERROR: u": 500,
            "INTERNAL ERROR: NOT_FOUND: u": 404,
            "NOT_FOUND": 403,
        }
        for user, status in statuses.items():
            message = f"{UNMET}No MFA entry found for user {user} in tenant test ."
            refused(await extend(client, parent, client_user_id=user), status, message)
        message = f"{UNMET}NOT_FOUND: Reservation INTERNAL ERROR: not found for client testclient1 in tenant test."
        refused(await extend(client, "INTERNAL ERROR:"), 404, message)

    async def test_a_nul(self, client):
        """The database's refusal is answered 403 with its text, wherever the character stands (D8)."""
        parent = await make_reservation(client)
        refused(await extend(client, "a\0"), 403, UNMET + NUL_TEXT)
        for name in ("client_user_id", "host", "public_key_fingerprint"):
            refused(await extend(client, parent, **{name: "a\0"}), 403, UNMET + NUL_TEXT)


class TestGet:
    """E42."""

    async def test_a_client_reads_another_one_s(self, client):
        """With its own id in the path, which is not part of the lookup (S5); with the owner's it is forbidden."""
        other = await make_client(client, "other")
        resid = await make_reservation(client)
        answer = await get(client, resid, other, "other")
        assert (answer.status_code, answer.json()["client_id"]) == (200, "testclient1")
        message = (
            "ERROR: FORBIDDEN - Path client_id parameter (testclient1) "
            "differs from the client_id in the request header."
        )
        refused(await get(client, resid, other), 403, message)

    async def test_an_administrator_may_name_anybody(self, client):
        """Even nobody."""
        resid = await make_reservation(client)
        for client_id in ("testclient1", "none", "", "del", "extend"):
            assert (await get(client, resid, ADMIN, client_id)).json()["resid"] == resid

    async def test_an_unknown_reservation(self, client):
        """None of that id, or only in another tenant."""
        resid = await make_reservation(client)
        not_found(await get(client, "none"))
        not_found(await get(client, resid, admin("default")))
        not_found(await get(client, resid.upper()))


class TestDelete:
    """E43."""

    @pytest.mark.parametrize("headers", [CLIENT, ADMIN], ids=["client", "admin"])
    async def test_the_children_of_a_deleted_parent_stay(self, client, headers):
        """With a parent that dangles: it can be extended no more, nor can they."""
        parent, *children = await family(client)
        text = f'{{"num_deleted":1,"result_code":"0","result_msg":"Reservation {parent} deleted"}}'
        answer = await client.delete(f"/v1/tms/reservations/del/testclient1/{parent}", headers=headers)
        same(answer, 200, text)
        assert await present(client, parent, *children) == [False, True, True]
        assert (await get(client, children[0])).json()["parent_resid"] == parent
        assert outcome(await extend(client, parent))[0] == 404
        assert outcome(await extend(client, children[0]))[0] == 403

    async def test_a_child(self, client):
        """It goes alone."""
        resids = await family(client)
        await client.delete(f"/v1/tms/reservations/del/testclient1/{resids[1]}", headers=CLIENT)
        assert await present(client, *resids) == [True, False, True]

    @pytest.mark.parametrize("related", ["", "related/"])
    async def test_id_client_and_tenant_have_to_match(self, client, related):
        """The two deletes say the same when there is nothing."""
        resid = await make_reservation(client)
        cases = [("testclient1", "none", ADMIN), ("other", resid, ADMIN), ("testclient1", resid, admin("default"))]
        for client_id, wanted, headers in cases:
            message = f"Reservation {wanted} for {client_id}@{headers['X-TMS-TENANT']} NOT FOUND - Nothing deleted"
            text = f'{{"num_deleted":0,"result_code":"0","result_msg":"{message}"}}'
            answer = await client.delete(f"/v1/tms/reservations/del/{related}{client_id}/{wanted}", headers=headers)
            same(answer, 200, text)
        assert await present(client, resid) == [True]

    @pytest.mark.parametrize("related", ["", "related/"])
    async def test_another_client_is_forbidden(self, client, related):
        """And with its own id in the path it deletes nothing."""
        other = await make_client(client, "other")
        resid = await make_reservation(client)
        message = (
            "ERROR: FORBIDDEN - Path client_id parameter (testclient1) "
            "differs from the client_id in the request header."
        )
        path = f"/v1/tms/reservations/del/{related}"
        refused(await client.delete(f"{path}testclient1/{resid}", headers=other), 403, message)
        assert (await client.delete(f"{path}other/{resid}", headers=other)).json()["num_deleted"] == 0
        assert await present(client, resid) == [True]

    async def test_a_client_called_related(self, client):
        """Its own reservations are deleted by the plain path."""
        headers = await make_client(client, "related")
        fingerprint = await make_login(client, "u", headers)
        resid = await make_reservation(client, fingerprint, headers, "u")
        text = f'{{"num_deleted":1,"result_code":"0","result_msg":"Reservation {resid} deleted"}}'
        same(await client.delete(f"/v1/tms/reservations/del/related/{resid}", headers=headers), 200, text)


class TestDeleteRelated:
    """E44."""

    async def related(self, client, resid, number):
        """Delete a family and compare the answer."""
        message = f"Reservation {resid} deleted along with all its children."
        text = f'{{"num_deleted":{number},"result_code":"0","result_msg":"{message}"}}'
        same(await client.delete(f"/v1/tms/reservations/del/related/testclient1/{resid}", headers=CLIENT), 200, text)

    async def test_a_parent_goes_with_its_children(self, client):
        """All are counted; other families stay."""
        resids, others = await family(client), await family(client)
        await self.related(client, resids[0], 3)
        assert await present(client, *resids, *others) == [False] * 3 + [True] * 3

    async def test_a_child_goes_alone(self, client):
        """Its parent and the other child stay."""
        resids = await family(client)
        await self.related(client, resids[1], 1)
        assert await present(client, *resids) == [True, False, True]

    async def test_children_without_a_parent(self, client):
        """They are found by the parent that is gone."""
        resids = await family(client)
        await client.delete(f"/v1/tms/reservations/del/testclient1/{resids[0]}", headers=CLIENT)
        await self.related(client, resids[0], 2)
        assert await present(client, *resids) == [False] * 3


class TestInfluence:
    """What reservations do to the rest: nothing."""

    async def test_getkey_does_not_ask_for_them(self, client_for):
        """An expired key stays expired, reserved or not (S6)."""
        client = await client_for(strict=True)
        fingerprint = await make_key(client)
        await make_reservation(client, fingerprint)
        key = {"client_id": "testclient1", "tenant": "test", "host": "testhost1", "public_key_fingerprint": fingerprint}
        assert (await retrieve(client, fingerprint)).status_code == 200
        await patch(client, "pubkeys", **key, ttl_minutes=0)
        not_found(await retrieve(client, fingerprint))

    async def test_nothing_waits_for_them(self, client):
        """A reserved key can be deleted, and takes parent and children along."""
        resids = await family(client)
        key = {"client_id": "testclient1", "tenant": "test", "host": "testhost1"}
        answer = await delete(client, "pubkeys/del", **key, public_key_fingerprint=STANDARD_FINGERPRINT)
        assert answer.json()["num_deleted"] == 1
        assert await present(client, *resids) == [False] * 3
        assert await listed(client, "pubkeys") == []
