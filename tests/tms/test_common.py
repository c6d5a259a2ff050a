"""What several resources share: times, long lists, NUL characters, and the two defects of a real 0.3.0."""

import pytest

from app.errors import ConnectionDropped
from app.store import PAGE
from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    NOT_A_TEXT,
    NUL_TEXT,
    STANDARD_FINGERPRINT,
    V010,
    V030,
    admin,
    both,
    everything,
    extend,
    key_body,
    listed,
    make_client,
    make_delegation,
    make_host,
    make_key,
    make_mapping,
    make_reservation,
    make_tenant,
    make_user,
    not_found,
    outcome,
    refused,
    retrieve,
    same,
)

KEY = {"client_id": "testclient1", "tenant": "test", "host": "testhost1"}
SEEDED_KEY = {**KEY, "public_key_fingerprint": STANDARD_FINGERPRINT}
MAPPING = {"tms_user_id": "testuser1", "tenant": "test", "host": "testhost1", "host_account": "testhostaccount1"}
DELEGATION = {"client_id": "testclient1", "client_user_id": "testuser1", "tenant": "test"}
UPDATES = {
    "E06": ("client/upd/{}?enabled=false", None, "testclient1", CLIENT),
    "E08": ("client/secret/{}", None, "testclient1", CLIENT),
    "E14": ("pubkeys", {**SEEDED_KEY, "max_uses": 1}, "", CLIENT),
    "E18": ("usermfa/upd", {"tms_user_id": "testuser1", "tenant": "test", "enabled": False}, "", ADMIN),
    "E24": ("userhosts/upd", {**MAPPING, "ttl_minutes": 1}, "", ADMIN),
    "E29": ("delegations/upd", {**DELEGATION, "ttl_minutes": 1}, "", ADMIN),
    "E34": ("tenants/upd", {"tenant": "test", "enabled": False}, "", ADMIN),
}
UNKNOWN = {
    "E06": ("client/upd/none?app_version=2", None),
    "E08": ("client/secret/none", None),
    "E18": ("usermfa/upd", {"tms_user_id": "none", "tenant": "test", "enabled": False}),
    "E24": ("userhosts/upd", {**MAPPING, "host": "none", "ttl_minutes": 1}),
    "E29": ("delegations/upd", {**DELEGATION, "client_id": "none", "ttl_minutes": 1}),
}
NUL_BODIES = {
    "E05 client_id": ("POST", "client", {"client_id": "\0", "tenant": "test", "app_name": "a", "app_version": "1"}),
    "E05 app_name": ("POST", "client", {"client_id": "c", "tenant": "test", "app_name": "\0", "app_version": "1"}),
    "E10": ("POST", "pubkeys/creds/retrieve", {"user": "\0", "host": "h", "public_key_fingerprint": "f"}),
    "E13": ("DELETE", "pubkeys/del", {**KEY, "public_key_fingerprint": "\0"}),
    "E14": ("PATCH", "pubkeys", {**KEY, "public_key_fingerprint": "\0", "max_uses": 1}),
    "E15": ("POST", "usermfa", {"tenant": "test", "tms_user_id": "\0", "ttl_minutes": 1}),
    "E18": ("PATCH", "usermfa/upd", {"tenant": "test", "tms_user_id": "\0", "enabled": True}),
    "E20": ("POST", "userhosts", {**MAPPING, "host": "\0", "ttl_minutes": 1}),
    "E23": ("DELETE", "userhosts/del", {**MAPPING, "host": "\0"}),
    "E24": ("PATCH", "userhosts/upd", {**MAPPING, "host": "\0", "ttl_minutes": 1}),
    "E25": ("POST", "delegations", {**DELEGATION, "client_id": "\0", "ttl_minutes": 1}),
    "E28": ("DELETE", "delegations/del", {**DELEGATION, "client_id": "\0"}),
    "E29": ("PATCH", "delegations/upd", {**DELEGATION, "client_id": "\0", "ttl_minutes": 1}),
    "E36": ("POST", "hosts", {"tenant": "test", "host": "\0", "addr": "a"}),
    "E39": ("DELETE", "hosts/del", {"tenant": "test", "host": "h", "addr": "\0"}),
}
NUL_PATHS = {
    "E03": ("GET", "client/a%00b"),
    "E06": ("PATCH", "client/upd/a%00b?enabled=true"),
    "E07": ("DELETE", "client/del/a%00b"),
    "E08": ("PATCH", "client/secret/a%00b"),
    "E16": ("GET", "usermfa/a%00b"),
    "E19": ("DELETE", "usermfa/del/a%00b"),
    "E30": ("GET", "tenants/a%00b"),
    "E42": ("GET", "reservations/c/a%00b"),
    "E43": ("DELETE", "reservations/del/c/a%00b"),
    "E44": ("DELETE", "reservations/del/related/a%00b/x"),
}
FLAGGED = ["client", "usermfa", "tenants"]


async def send(client, method, path, body=None, headers=ADMIN):
    """Send a request, with a body where there is one, and return the whole answer."""
    more = {} if body is None else {"json": body}
    return await client.request(method, f"/v1/tms/{path}", headers=headers, **more)


class TestUpdatesOfReal030:
    """D1."""

    async def test_all_seven_are_refused(self, client_for):
        """In the words of PostgreSQL; nothing changes, and the old secret works."""
        client = await client_for(quirks="real")
        before = [await listed(client, name) for name in ("userhosts", "delegations", "pubkeys", "hosts")]
        shown = [(await client.get("/v1/tms/client/testclient1", headers=CLIENT)).text]
        shown.append((await client.get("/v1/tms/usermfa/testuser1", headers=ADMIN)).text)
        shown.append((await client.get("/v1/tms/tenants/test")).text)
        for path, body, name, headers in UPDATES.values():
            refused(await send(client, "PATCH", path.format(name), body, headers), 500, NOT_A_TEXT)
        assert [await listed(client, name) for name in ("userhosts", "delegations", "pubkeys", "hosts")] == before
        assert shown == [
            (await client.get("/v1/tms/client/testclient1", headers=CLIENT)).text,
            (await client.get("/v1/tms/usermfa/testuser1", headers=ADMIN)).text,
            (await client.get("/v1/tms/tenants/test")).text,
        ]

    async def test_even_without_a_row(self, client_for):
        """The statement is refused before any row is looked for; only E14 looks first and says NF."""
        client = await client_for(quirks="real")
        for path, body in UNKNOWN.values():
            refused(await send(client, "PATCH", path, body), 500, NOT_A_TEXT)
        not_found(await send(client, "PATCH", "pubkeys", {**SEEDED_KEY, "host": "none", "max_uses": 1}))

    @pytest.mark.parametrize(("wire", "quirks"), [(V030, "intended"), (V010, "intended"), (V010, "real")])
    async def test_nowhere_else(self, client_for, wire, quirks):
        """0.1.0 never had the defect, and `intended` mends it."""
        client = await client_for(quirks=quirks, wire_version=wire)
        answers = {
            name: (await send(client, "PATCH", path.format(named), body)).status_code
            for name, (path, body, named, _) in UPDATES.items()
        }
        assert answers == dict.fromkeys(UPDATES, 200)


class TestListsOfReal030:
    """D2."""

    @pytest.mark.parametrize("name", FLAGGED)
    async def test_a_list_with_rows_drops_the_connection(self, client_for, name):
        """The transport of this test cannot be closed, so the edge says what it wants; the server goes on."""
        client = await client_for(quirks="real")
        with pytest.raises(ConnectionDropped):
            await client.get(f"/v1/tms/{name}/list", headers=ADMIN)
        assert (await client.get("/v1/tms/version")).status_code == 200

    async def test_a_client_s_own_row_is_enough(self, client_for):
        """So a client never gets its list."""
        client = await client_for(quirks="real")
        with pytest.raises(ConnectionDropped):
            await client.get("/v1/tms/client/list", headers=CLIENT)

    async def test_lists_without_rows_and_without_flags_work(self, client_for):
        """And refusals are given as ever."""
        client = await client_for(quirks="real")
        headers = admin("default")
        assert (await listed(client, "client", headers), await listed(client, "usermfa", headers)) == ([], [])
        for name in ("userhosts", "delegations", "pubkeys"):
            assert len(await listed(client, name)) == 1
        message = "ERROR: NOT AUTHORIZED to list clients in tenant test."
        wrong = {**CLIENT, "X-TMS-CLIENT-SECRET": "wrong"}
        refused(await client.get("/v1/tms/client/list", headers=wrong), 401, message)

    async def test_not_under_0_1_0(self, client_for):
        """It never had the defect."""
        client = await client_for(quirks="real", wire_version=V010)
        assert [len(await listed(client, name)) for name in FLAGGED] == [1, 1, 2]


class TestTimes:
    """Contract 1.6."""

    @pytest.mark.parametrize(
        ("wire", "microsecond", "nanosecond", "fresh", "stored", "stamp"),
        [
            (V030, 123456, 789, ".123456789+00:00", ".123456+00:00", ".123456+00:00"),
            (V030, 123450, 0, ".123450+00:00", ".123450+00:00", ".123450+00:00"),
            (V030, 145000, 1, ".145000001+00:00", ".145+00:00", ".145+00:00"),
            (V030, 0, 0, "+00:00", "+00:00", "+00:00"),
            (V010, 123456, 789, "Z", "Z", ".123456Z"),
            (V010, 145000, 0, "Z", "Z", ".145000Z"),
        ],
    )
    async def test_fraction_digits(self, clock, client, microsecond, nanosecond, fresh, stored, stamp):
        """0.3.0 drops groups of three zeros, 0.1.0 shows six digits of a stamp and none of an expiry (D14)."""
        clock.moment = clock.moment.replace(microsecond=microsecond)
        clock.nanosecond = nanosecond
        second = "2026-11-23T18:00:00"
        assert (await make_user(client, "u", ttl=0))["expires_at"] == second + fresh
        record = (await client.get("/v1/tms/usermfa/u", headers=ADMIN)).json()
        assert (record["expires_at"], record["created"], record["updated"]) == (
            second + stored,
            second + stamp,
            second + stamp,
        )

    @both
    async def test_created_is_updated_in_every_new_record(self, client):
        """Of the eight tables that can be shown."""
        headers = await make_client(client, "c")
        await make_user(client, "u")
        await make_mapping(client, "u")
        await make_delegation(client, "u", "c")
        await make_host(client, "h")
        fingerprint = await make_key(client, headers, user="u")
        resid = await make_reservation(client, fingerprint, headers, "u")
        await make_tenant(client, "t")
        records = [record for records in (await everything(client)).values() for record in records]
        records.append((await client.get(f"/v1/tms/reservations/c/{resid}", headers=headers)).json())
        assert [(record["created"], len(record)) for record in records] == [
            (record["updated"], len(record)) for record in records
        ]
        assert len(records) == 15

    @pytest.mark.on_sqlite
    async def test_the_clock_of_the_seed(self, clock, client_for):
        """Rows of the seed have whole seconds in 0.1.0 alone."""
        clock.forward(seconds=1)
        stamps = []
        for wire in (V030, V010):
            client = await client_for(wire_version=wire)
            stamps.append((await client.get("/v1/tms/tenants/test")).json()["created"])
        assert stamps == ["2026-11-23T18:00:01.123456+00:00", "2026-11-23T18:00:01Z"]


class TestLists:
    """Lists of any length."""

    async def test_a_long_list_is_one_array(self, client):
        """Its pages are joined in order."""
        numbers = [f"{number:04}" for number in range(PAGE + 1)]
        for number in numbers:
            await make_host(client, number)
        answer = await client.get("/v1/tms/hosts/list", headers=ADMIN)
        element = '{"addr":"10.0.0.1","created":"<stamp>","host":"%s","id":%d,"tenant":"test","updated":"<stamp>"}'
        elements = ",".join(element % (number, index) for index, number in enumerate(numbers, 1))
        text = f'{{"num_mappings":{PAGE + 1},"result_code":"0","result_msg":"success","users":[{elements}]}}'
        same(answer, 200, text)

    async def test_an_administrator_lists_its_own_tenant(self, client):
        """Nothing of another one."""
        await make_host(client, "h")
        lists = [await listed(client, name, admin("default")) for name in ("client", "usermfa", "userhosts")]
        lists += [await listed(client, name, admin("default")) for name in ("delegations", "pubkeys", "hosts")]
        assert lists == [[]] * 6


async def test_an_administrator_of_another_tenant_finds_no_record(client):
    """NF for each endpoint that shows one, though the record exists."""
    resid = await make_reservation(client)
    await make_host(client, "h")
    paths = ["client/testclient1", "pubkeys/id/1", "usermfa/testuser1", "userhosts/1", "delegations/1", "hosts/1"]
    for path in [*paths, f"reservations/testclient1/{resid}"]:
        not_found(await send(client, "GET", path, headers=admin("default")))
        assert (await send(client, "GET", path)).status_code == 200


class TestNul:
    """D8, for each kind of endpoint; the text of E09, E40 and E41 is tested with them."""

    async def test_it_is_refused_by_the_database_of_0_3_0(self, client):
        """500 wherever a statement is reached, and nothing changes."""
        before = await everything(client)
        requests = {**NUL_BODIES, **{name: (*request, None) for name, request in NUL_PATHS.items()}}
        answers = {name: outcome(await send(client, *request)) for name, request in requests.items()}
        assert answers == dict.fromkeys(requests, (500, f"ERROR: {NUL_TEXT}"))
        refused(await send(client, "POST", "tenants/a%00b", headers=admin("default")), 500, f"ERROR: {NUL_TEXT}")
        assert await everything(client) == before

    async def test_in_a_tenant_it_is_not_enabled(self, client):
        """The tenant check comes first and hides the database's words (D9)."""
        body = {"client_id": "c", "tenant": "\0", "app_name": "a", "app_version": "1"}
        refused(await send(client, "POST", "client", body), 400, "Tenant not enabled.")

    async def test_without_an_update_no_statement_is_reached(self, client):
        """E06 and E14 answer as ever."""
        for path, body in (
            ("client/upd/a%00b", None),
            ("pubkeys", {**KEY, "public_key_fingerprint": "\0"}),
        ):
            assert outcome(await send(client, "PATCH", path, body)) == (200, "No updates specified")

    @pytest.mark.on_sqlite
    @pytest.mark.parametrize("wire", [V010])
    async def test_it_is_a_character_for_0_1_0(self, client):
        """Stored, found by `%00` in a path, and given back as an escape."""
        await make_tenant(client, "t\0")
        headers = await make_client(client, "c")
        await make_user(client, "u\0")
        await make_mapping(client, "u\0", "h\0", "a\0")
        await make_delegation(client, "u\0", "c")
        await make_host(client, "h\0", "\0")
        fingerprint = await make_key(client, headers, user="u\0", host="h\0", account="a\0")
        resid = await make_reservation(client, fingerprint, headers, "u\0", "h\0")
        child = {"client_user_id": "u\0", "host": "h\0", "public_key_fingerprint": fingerprint}
        assert (await extend(client, resid, headers, **child)).status_code == 201
        assert (await retrieve(client, fingerprint, "a\0", "h\0")).status_code == 200
        shown = await client.get("/v1/tms/usermfa/u%00", headers=ADMIN)
        assert '"tms_user_id":"u\\u0000"' in shown.text
        assert (await client.get("/v1/tms/tenants/t%00")).json()["tenant"] == "t\0"
        assert (await client.delete("/v1/tms/usermfa/del/u%00", headers=ADMIN)).json()["num_deleted"] == 1

    @pytest.mark.on_sqlite
    @pytest.mark.parametrize("wire", [V010])
    async def test_0_1_0_refuses_none(self, client):
        """What is not there is not found, in the endpoint's own words."""
        statuses = {name: (await send(client, *request)).status_code for name, request in NUL_BODIES.items()}
        created = {"E05 client_id": 201, "E05 app_name": 201, "E15": 201, "E20": 201, "E36": 201}
        others = {"E10": 404, "E14": 404, "E25": 201}
        assert statuses == {**dict.fromkeys(NUL_BODIES, 200), **created, **others}
        statuses = {name: (await send(client, *request)).status_code for name, request in NUL_PATHS.items()}
        assert statuses == {**dict.fromkeys(NUL_PATHS, 200), "E03": 404, "E16": 404, "E30": 404, "E42": 404}


async def test_a_refused_createkey_keeps_nothing(client):
    """No key is stored without its dependencies."""
    answer = await send(client, "POST", "pubkeys/creds", key_body(user="nobody"), CLIENT)
    assert outcome(answer)[0] == 403
    assert len(await listed(client, "pubkeys")) == 1
