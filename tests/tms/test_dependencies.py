"""What a key needs, and what MVP mode makes of it when it is not there (1.11)."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    NUL_TEXT,
    V010,
    V030,
    both,
    counts,
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
    outcome,
    patch,
    refused,
    retrieve,
)

UNMET = "Missing or expired dependency: "
MAPPING = "for user {}@test with account testhostaccount1 on host testhost1"


async def create(client, headers=CLIENT, **fields):
    """Post E09 and return the whole answer."""
    return await client.post("/v1/tms/pubkeys/creds", headers=headers, json=key_body(**fields))


class TestRequire:
    """Step 6 of E09."""

    @both
    async def test_each_dependency_in_its_turn(self, clock, client, wire):
        """Missing, disabled, expired: user first, then mapping, then delegation, each while all behind it fail too."""
        expired = "2026-11-23 18:01:00.123456 UTC" if wire == V030 else "2026-11-23T18:01:00Z"
        mapping, delegation = MAPPING.format("u"), "for client testclient1 and client_user_id u in tenant test"

        async def is_refused(detail):
            refused(await create(client, user="u"), 403, UNMET + detail)

        await is_refused("Required user MFA record not found for user ID u in tenant test.")
        await make_user(client, "u", ttl=1)
        await patch(client, "usermfa/upd", tms_user_id="u", tenant="test", enabled=False)
        clock.forward(minutes=1, microseconds=1)
        await is_refused("Required user MFA record for user ID u in tenant test is disabled.")
        await patch(client, "usermfa/upd", tms_user_id="u", tenant="test", enabled=True)
        await is_refused(f"Required user MFA record for user ID 'u' in tenant test expired at {expired}.")
        clock.forward(minutes=-1, microseconds=-1)
        await is_refused(f"Required user host record not found {mapping}.")
        await make_mapping(client, "u", ttl=1)
        await client.delete("/v1/tms/usermfa/del/u", headers=ADMIN)
        await make_user(client, "u")
        await make_mapping(client, "u", ttl=1)
        clock.forward(minutes=1, microseconds=1)
        await is_refused(f"Required user host record {mapping} expired at {expired}.")
        same_mapping = {"tms_user_id": "u", "host": "testhost1", "host_account": "testhostaccount1"}
        await patch(client, "userhosts/upd", **same_mapping, tenant="test", ttl_minutes=60)
        await is_refused(f"Required delegation record not found {delegation}.")
        clock.forward(minutes=-1, microseconds=-1)
        await make_delegation(client, "u", ttl=1)
        clock.forward(minutes=1, microseconds=1)
        await is_refused(f"Required delegation record {delegation} expired at {expired}.")
        assert len(await listed(client, "pubkeys")) == 1

    async def test_expired_means_strictly_before_now(self, clock, client):
        """What expires this microsecond is good; one microsecond later it is not (1.6)."""
        await make_user(client, "u", ttl=1)
        await make_mapping(client, "u", ttl=1)
        await make_delegation(client, "u", ttl=1)
        clock.forward(minutes=1)
        assert (await create(client, user="u")).status_code == 201
        clock.forward(microseconds=1)
        assert (await create(client, user="u")).status_code == 403

    async def test_host_and_account_have_to_be_the_mapping_s(self, client):
        """Both; a star is no wildcard (S16)."""
        await make_mapping(client, host="*", account="*")
        before = await everything(client)
        for changed in ({"host": "other"}, {"account": "other"}):
            assert (await create(client, **changed)).status_code == 403
        assert await everything(client) == before

    async def test_records_of_another_client_do_not_serve(self, client):
        """A delegation is for one client."""
        other = await make_client(client, "other")
        detail = "Required delegation record not found for client other and client_user_id testuser1 in tenant test."
        refused(await create(client, other), 403, UNMET + detail)

    async def test_neither_the_client_s_state_nor_the_hosts_matter(self, client):
        """A disabled client makes keys, for hosts that are not registered."""
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=ADMIN)
        assert (await create(client)).status_code == 201

    async def test_the_status_is_chosen_by_the_text(self, client):
        """`INTERNAL ERROR:` in a caller's field turns 403 into 500 (D10)."""
        user = "INTERNAL ERROR: u"
        message = f"{UNMET}Required user MFA record not found for user ID {user} in tenant test."
        refused(await create(client, user=user), 500, message)
        message = f"{UNMET}Required user host record not found {MAPPING.format('testuser1')}."
        host = "a INTERNAL ERROR: b"
        refused(await create(client, host=host), 500, message.replace("testhost1.", f"{host}."))
        assert (await create(client, host="INTERNAL ERROR")).status_code == 403
        assert (await create(client, host="NOT_FOUND: x")).status_code == 403

    async def test_a_nul_is_an_unmet_dependency(self, client):
        """The database's refusal is answered 403 with its text (D8, D9)."""
        for fields in ({"user": "a\0"}, {"host": "a\0"}, {"account": "a\0"}):
            refused(await create(client, **fields), 403, UNMET + NUL_TEXT)

    async def test_a_nul_counts_when_its_turn_comes(self, client):
        """The reference asks for user, mapping and delegation in turn, so an earlier problem is named instead."""
        message = f"{UNMET}Required user MFA record not found for user ID nobody in tenant test."
        refused(await create(client, user="nobody", host="a\0"), 403, message)
        refused(await create(client, user="nobody", account="a\0"), 403, message)

    @pytest.mark.on_sqlite
    @pytest.mark.parametrize("wire", [V010])
    async def test_a_nul_is_a_character_for_0_1_0(self, client):
        """It is looked up and given back."""
        message = f"{UNMET}Required user MFA record not found for user ID a\0 in tenant test."
        refused(await create(client, user="a\0"), 403, message)


class TestMvp:
    """MVP mode."""

    @both
    async def test_three_rows_that_never_expire(self, client_for, wire):
        """User, delegation and mapping are made; the key's own limits are the request's."""
        client = await client_for(enable_mvp=True, wire_version=wire)
        fingerprint = await make_key(client, user="u", host="h", account="a", uses=2, ttl=3)
        never = "9999-12-31T23:59:59+00:00" if wire == V030 else "9999-12-31T23:59:59Z"
        user = next(found for found in await listed(client, "usermfa") if found["tms_user_id"] == "u")
        assert user == {**user, "enabled": 1, "expires_at": never, "id": 2, "created": user["updated"]}
        mapping = next(found for found in await listed(client, "userhosts") if found["tms_user_id"] == "u")
        assert mapping == {**mapping, "host": "h", "host_account": "a", "expires_at": never, "id": 2}
        delegation = next(found for found in await listed(client, "delegations") if found["client_user_id"] == "u")
        assert delegation == {**delegation, "client_id": "testclient1", "expires_at": never, "id": 2}
        key = next(found for found in await listed(client, "pubkeys") if found["client_user_id"] == "u")
        assert (key["max_uses"], key["initial_ttl_minutes"], key["expires_at"] < "9999") == (2, 3, True)
        assert (await retrieve(client, fingerprint, "a", "h")).status_code == 200

    async def test_any_user_host_and_account(self, client_for):
        """Even empty ones, and an account that is not the user's name (S9); without MVP all are refused."""
        mvp, ordinary = await client_for(enable_mvp=True), await client_for()
        for fields in ({"user": "", "host": "", "account": ""}, {"user": "root", "account": "someone else"}):
            assert (await create(mvp, **fields)).status_code == 201
            assert (await create(ordinary, **fields)).status_code == 403
        assert await counts(ordinary) == dict.fromkeys(await counts(ordinary), 1) | {"hosts": 0}

    @both
    async def test_old_rows_are_not_repaired(self, client_for, wire):
        """A disabled user is refused, an expired mapping too; rows that were missing have been made and stay."""
        client = await client_for(enable_mvp=True, wire_version=wire)
        await make_user(client, "off")
        await patch(client, "usermfa/upd", tms_user_id="off", tenant="test", enabled=False)
        detail = "Required user MFA record for user ID off in tenant test is disabled."
        refused(await create(client, user="off"), 403, UNMET + detail)
        await make_user(client, "late")
        await make_mapping(client, "late", ttl=0)
        refused(
            await create(client, user="late"),
            403,
            f"{UNMET}Required user host record {MAPPING.format('late')} expired at <spoken>.",
            wire,
        )
        users = [found["client_user_id"] for found in await listed(client, "delegations")]
        mapped = [found["tms_user_id"] for found in await listed(client, "userhosts")]
        assert (users, mapped) == (["late", "off", "testuser1"], ["late", "off", "testuser1"])
        assert len(await listed(client, "pubkeys")) == 1

    async def test_the_rows_before_a_failed_insert_stay(self, client_for):
        """A NUL in the host or the account stops the third insert, one in the user the first (D8)."""
        client = await client_for(enable_mvp=True)
        message = f"MVP ERROR: Unable to create MVP dependencies: {NUL_TEXT}"
        refused(await create(client, user="u1", host="h\0"), 500, message)
        refused(await create(client, user="u2", account="a\0"), 500, message)
        refused(await create(client, user="u3\0"), 500, message)
        assert [found["tms_user_id"] for found in await listed(client, "usermfa")] == ["testuser1", "u1", "u2"]
        assert [found["client_user_id"] for found in await listed(client, "delegations")] == ["testuser1", "u1", "u2"]
        assert [found["tms_user_id"] for found in await listed(client, "userhosts")] == ["testuser1"]

    @both
    async def test_rows_that_are_there_cost_an_id(self, client_for, wire):
        """In 0.3.0 each "do nothing" insert spends one of its table, in 0.1.0 none (section 4)."""
        client = await client_for(enable_mvp=True, wire_version=wire)
        for _ in range(3):
            await make_key(client)
        await make_key(client, host="another")
        await make_key(client, user="u")
        ids = [
            [found["id"] for found in await listed(client, name)] for name in ("usermfa", "delegations", "userhosts")
        ]
        assert ids == ([[1, 6], [1, 6], [5, 1, 6]] if wire == V030 else [[1, 2], [1, 2], [2, 1, 3]])

    async def test_only_createkey_makes_rows(self, client_for):
        """A reservation for an unknown user is refused as ever."""
        client = await client_for(enable_mvp=True)
        body = {"client_user_id": "u", "host": "testhost1", "ttl_minutes": 1}
        key = (await listed(client, "pubkeys"))[0]["public_key_fingerprint"]
        answer = await client.post("/v1/tms/reservations", headers=CLIENT, json={**body, "public_key_fingerprint": key})
        refused(answer, 403, f"{UNMET}Required user MFA record not found for user ID u in tenant test.")
        assert len(await listed(client, "usermfa")) == 1

    async def test_a_refused_caller_makes_no_rows(self, client_for):
        """Authorization comes before the inserts."""
        client = await client_for(enable_mvp=True)
        answer = await create(client, {**CLIENT, "X-TMS-CLIENT-SECRET": "wrong"}, user="u")
        assert outcome(answer)[0] == 401
        assert len(await listed(client, "usermfa")) == 1

    async def test_a_user_who_was_deleted_comes_back(self, client_for):
        """With all of the rows."""
        client = await client_for(enable_mvp=True)
        await client.delete("/v1/tms/usermfa/del/testuser1", headers=ADMIN)
        await make_key(client)
        assert await counts(client) == dict.fromkeys(await counts(client), 1) | {"hosts": 0}


async def test_reservations_ask_for_the_same(client):
    """E40 with the key's account; E41 for existence alone."""
    await make_user(client, "u")
    await make_mapping(client, "u")
    await make_delegation(client, "u")
    parent = await make_reservation(client, user="u")
    await delete(client, "delegations/del", client_id="testclient1", client_user_id="u", tenant="test")
    fields = {"client_user_id": "u", "host": "testhost1", "ttl_minutes": 1}
    key = (await listed(client, "pubkeys"))[0]["public_key_fingerprint"]
    answer = await client.post("/v1/tms/reservations", headers=CLIENT, json={**fields, "public_key_fingerprint": key})
    which = "for client testclient1 and client_user_id u in tenant test"
    refused(answer, 403, f"{UNMET}Required delegation record not found {which}.")
    message = f"{UNMET}No delegation to client testclient1 found for user u in tenant test."
    refused(await extend(client, parent, client_user_id="u"), 403, message)
