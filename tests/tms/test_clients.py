"""E03 to E08: registering, showing, changing and deleting client applications."""

import pytest

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    NOT_A_TEXT,
    V030,
    admin,
    both,
    caller,
    compact,
    database_refused,
    everything,
    listed,
    make_client,
    make_delegation,
    make_key,
    make_reservation,
    make_user,
    not_found,
    outcome,
    refused,
    retrieve,
    same,
)

CLOSED = (
    "Client creation is disallowed due either to running in MVP mode or by explicit assignment "
    "of the new_clients configuration parameter."
)
TESTCLIENT = (
    '"app_name":"testapp1","app_version":"1.0","client_id":"testclient1","created":"<seeded1>",'
    '"enabled":%s,"id":1,%s"tenant":"test","updated":"<seeded1>"}'
)


def registration(**changed):
    """Return the body of E05."""
    return {"client_id": "new", "tenant": "test", "app_name": "app", "app_version": "1.0", **changed}


async def register(client, **changed):
    """Post E05 without any header and return the whole answer."""
    return await client.post("/v1/tms/client", json=registration(**changed))


class TestCreate:
    """E05."""

    @both
    async def test_a_new_client_and_its_record(self, client, wire):
        """Anybody may register; the record is enabled, and created and updated are the same instant."""
        text = '{"client_id":"new","client_secret":"<secret>","result_code":"0","result_msg":"success"}'
        body = same(await register(client), 201, text)
        shown = await client.get("/v1/tms/client/new", headers=caller("new", body["client_secret"]))
        text = (
            '{"app_name":"app","app_version":"1.0","client_id":"new","created":"<stamp1>","enabled":<true>,"id":2,'
            '"result_code":"0","result_msg":"success","tenant":"test","updated":"<stamp1>"}'
        )
        same(shown, 200, text, wire)

    async def test_headers_are_not_looked_at(self, client):
        """Not even those of another tenant with a wrong secret."""
        answer = await client.post("/v1/tms/client", json=registration(), headers=caller("x", "wrong", "default"))
        assert answer.status_code == 201

    async def test_strings_are_not_validated(self, client):
        """Whatever was sent is stored and comes back in the JSON form of the reference."""
        names = ["", "a b", "x' OR '1'='1", "a/b%2F", 'say "hi"\n\t\x01', "zoë 🙂\x7f<&>"]
        for name in names:
            text = (
                f'{{"client_id":{compact(name)},"client_secret":"<secret>","result_code":"0","result_msg":"success"}}'
            )
            same(await register(client, client_id=name, app_name=name), 201, text)
        stored = [(found["client_id"], found["app_name"]) for found in await listed(client, "client")]
        assert sorted(stored) == sorted([(name, name) for name in names] + [("testclient1", "testapp1")])

    async def test_a_bad_version_is_refused_in_the_parser_s_bare_words(self, client):
        """The status is 400 here, and nothing is stored."""
        texts = {
            "v1.0": "unexpected character 'v' while parsing major version number",
            "": "unexpected end of input while parsing major version number",
            "1.0.0.0": "expected comma after patch version number, found '.'",
        }
        for version, text in texts.items():
            refused(await register(client, app_version=version), 400, text)
        assert len(await listed(client, "client")) == 1

    @pytest.mark.parametrize("settings", [{"enable_mvp": True}, {"new_clients": "disallow"}])
    async def test_creation_may_be_closed(self, client_for, settings):
        """MVP mode or new_clients = disallow is enough; the tenant is checked before and the version after."""
        client = await client_for(**settings)
        answers = [await register(client, **changed) for changed in ({}, {"app_version": "bad"}, {"tenant": "none"})]
        assert [outcome(answer) for answer in answers] == [(400, CLOSED), (400, CLOSED), (400, "Tenant not enabled.")]
        assert len(await listed(client, "client")) == 1

    async def test_a_closed_test_tenant_takes_no_clients(self, client_for):
        """A tenant that is disabled and one that does not exist are refused alike; tenant default stays open."""
        client = await client_for(enable_test_tenant=False)
        refused(await register(client), 400, "Tenant not enabled.")
        refused(await register(client, tenant="nowhere"), 400, "Tenant not enabled.")
        assert (await register(client, tenant="default")).status_code == 201

    @both
    async def test_a_duplicate_is_refused_by_the_database(self, client, wire):
        """Each version reports the constraint that its own database checks first (D4)."""
        by_id = ("clients_tenant_client_idx", "clients.client_id")
        by_app = ("clients_tenant_app_name_app_version_key", "clients.app_name, clients.app_version")
        same_id, same_app = {"client_id": "testclient1"}, {"app_name": "testapp1"}
        cases = [(same_id, *by_id), (same_app, *by_app), ({**same_id, **same_app}, by_app[0], by_id[1])]
        for changed, constraint, columns in cases:
            database_refused(
                await register(client, **changed),
                wire,
                f'duplicate key value violates unique constraint "{constraint}"',
                f"(code: 2067) UNIQUE constraint failed: clients.tenant, {columns}",
            )
        assert [found["id"] for found in await listed(client, "client")] == [1]

    async def test_the_same_client_in_another_tenant_is_another_client(self, client):
        """Ids and applications are unique in their tenant only."""
        assert (await register(client, tenant="default", client_id="testclient1")).status_code == 201

    @both
    async def test_ids_after_a_refused_insert_and_a_delete(self, client, wire):
        """0.3.0 leaves gaps, 0.1.0 takes the largest id plus one (section 4)."""
        await register(client, client_id="testclient1")
        await make_client(client, "second")
        await client.delete("/v1/tms/client/del/second", headers=ADMIN)
        await make_client(client, "third")
        assert [found["id"] for found in await listed(client, "client")] == [1, 4 if wire == V030 else 2]


class TestGet:
    """E03."""

    @both
    @pytest.mark.parametrize("headers", [CLIENT, ADMIN], ids=["client", "admin"])
    async def test_a_client(self, client, wire, headers):
        """The record without its secret; enabled is a number in 0.1.0."""
        text = "{" + TESTCLIENT % ("<true>", '"result_code":"0","result_msg":"success",')
        same(await client.get("/v1/tms/client/testclient1", headers=headers), 200, text, wire)

    async def test_an_unknown_client(self, client):
        """An administrator finds nothing, in another tenant neither."""
        not_found(await client.get("/v1/tms/client/none", headers=ADMIN))
        not_found(await client.get("/v1/tms/client/testclient1", headers=admin("default")))

    async def test_another_client_is_forbidden(self, client):
        """A client sees itself alone, whether the other one exists or not."""
        message = "ERROR: FORBIDDEN - Path parameters (other@test) differ from those in the request header."
        refused(await client.get("/v1/tms/client/other", headers=CLIENT), 403, message)

    async def test_a_client_called_list_hides_behind_the_list(self, client):
        """The plain path belongs to E04; one percent-encoded letter gets past it (D16)."""
        headers = await make_client(client, "list")
        assert "num_clients" in (await client.get("/v1/tms/client/list", headers=headers)).json()
        assert (await client.get("/v1/tms/client/lis%74", headers=headers)).json()["client_id"] == "list"
        assert (await client.delete("/v1/tms/client/list", headers=headers)).status_code == 405
        assert (await client.delete("/v1/tms/client/del/list", headers=headers)).json()["num_deleted"] == 1

    async def test_other_words_of_the_paths_are_ordinary_names(self, client):
        """Only `list` stands where an id does."""
        for name in ("upd", "del", "secret"):
            headers = await make_client(client, name)
            assert (await client.get(f"/v1/tms/client/{name}", headers=headers)).json()["client_id"] == name


class TestList:
    """E04."""

    @both
    async def test_an_administrator_gets_all_by_id_of_the_client(self, client):
        """In byte order, capitals first; enabled is a number in both versions."""
        for name in ("zeta", "Alpha", "alpha"):
            await make_client(client, name, app_name="app", app_version=f"1.{len(name)}.{ord(name[0])}")
        await client.patch("/v1/tms/client/upd/zeta?enabled=false", headers=ADMIN)
        body = (await client.get("/v1/tms/client/list", headers=ADMIN)).json()
        assert [(found["client_id"], found["enabled"]) for found in body["clients"]] == [
            ("Alpha", 1),
            ("alpha", 1),
            ("testclient1", 1),
            ("zeta", 0),
        ]

    @both
    async def test_a_client_gets_itself_alone(self, client, wire):
        """The whole body, with enabled as a number."""
        await make_client(client, "other")
        element = "{" + TESTCLIENT % ("1", "")
        text = f'{{"clients":[{element}],"num_clients":1,"result_code":"0","result_msg":"success"}}'
        same(await client.get("/v1/tms/client/list", headers=CLIENT), 200, text, wire)

    async def test_a_tenant_without_clients(self, client):
        """An empty array."""
        text = '{"clients":[],"num_clients":0,"result_code":"0","result_msg":"success"}'
        same(await client.get("/v1/tms/client/list", headers=admin("default")), 200, text)


class TestUpdate:
    """E06."""

    @pytest.mark.parametrize("quirks", ["intended", "real"])
    async def test_without_a_parameter_nothing_happens(self, client_for, quirks):
        """The answer says so, for an unknown client too; a body and unknown parameters are ignored."""
        client = await client_for(quirks=quirks)
        text = '{"fields_updated":0,"result_code":"0","result_msg":"No updates specified"}'
        same(await client.patch("/v1/tms/client/upd/testclient1", headers=CLIENT), 200, text)
        answer = await client.patch("/v1/tms/client/upd/none?other=1", headers=ADMIN, json={"enabled": False})
        same(answer, 200, text)

    @both
    @pytest.mark.parametrize(
        ("query", "changed", "version", "enabled"),
        [
            ("app_version=2.1", 1, "2.1", 1),
            ("enabled=true", 1, "1.0", 1),
            ("enabled=false&app_version=%3E1", 2, ">1", 0),
        ],
    )
    async def test_one_update_for_each_parameter(self, clock, client, wire, query, changed, version, enabled):
        """The given columns and `updated` are changed, `created` stays."""
        before = (await listed(client, "client"))[0]
        clock.forward(seconds=1)
        text = (
            f'{{"fields_updated":{changed},"result_code":"0",'
            f'"result_msg":"{changed} update(s) to client testclient1 completed"}}'
        )
        same(await client.patch(f"/v1/tms/client/upd/testclient1?{query}", headers=CLIENT), 200, text)
        stamp = "2026-11-23T18:00:01.123456" + ("+00:00" if wire == V030 else "Z")
        after = {**before, "app_version": version, "enabled": enabled, "updated": stamp}
        assert await listed(client, "client") == [after]

    async def test_an_unknown_client_has_no_updates(self, client):
        """The answer is a success of nothing."""
        text = '{"fields_updated":0,"result_code":"0","result_msg":"0 update(s) to client none completed"}'
        same(await client.patch("/v1/tms/client/upd/none?enabled=false&app_version=2", headers=ADMIN), 200, text)

    @pytest.mark.parametrize("quirks", ["intended", "real"])
    async def test_a_bad_version_is_a_500_and_changes_nothing(self, client_for, quirks):
        """Not even a good `enabled` beside it is applied (D7)."""
        client = await client_for(quirks=quirks)
        texts = {
            "v2": "unexpected character 'v' while parsing major version number",
            "": "unexpected end of input while parsing major version number",
            "%00": "unexpected character '\\0' while parsing major version number",
        }
        for version, text in texts.items():
            path = f"/v1/tms/client/upd/testclient1?enabled=false&app_version={version}"
            refused(await client.patch(path, headers=CLIENT), 500, f"ERROR: {text}")
        shown = (await client.get("/v1/tms/client/testclient1", headers=CLIENT)).json()
        assert (shown["enabled"], shown["created"]) == (True, shown["updated"])

    @both
    async def test_the_version_of_another_client_of_the_application_is_refused(self, client, wire):
        """Both updates are undone, in the words of the version's database."""
        await make_client(client, "other", app_name="testapp1", app_version="2.0")
        before = await everything(client)
        database_refused(
            await client.patch("/v1/tms/client/upd/testclient1?enabled=false&app_version=2.0", headers=CLIENT),
            wire,
            'duplicate key value violates unique constraint "clients_tenant_app_name_app_version_key"',
            "(code: 2067) UNIQUE constraint failed: clients.tenant, clients.app_name, clients.app_version",
        )
        assert await everything(client) == before

    @both
    async def test_a_disabled_client_goes_on_and_enables_itself(self, client, wire):
        """Authorization does not look at `enabled` unless `strict` is on (S3)."""
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=CLIENT)
        await make_key(client)
        shown = await client.get("/v1/tms/client/testclient1", headers=CLIENT)
        assert shown.json()["enabled"] == (False if wire == V030 else 0)
        answer = await client.patch("/v1/tms/client/upd/testclient1?enabled=true", headers=CLIENT)
        assert answer.json()["fields_updated"] == 1
        assert (await listed(client, "client"))[0]["enabled"] == 1

    async def test_another_client_is_forbidden(self, client):
        """The refusal stands before `No updates specified`."""
        message = "ERROR: FORBIDDEN - Payload parameters (other@test) differ from those in the request header."
        refused(await client.patch("/v1/tms/client/upd/other", headers=CLIENT), 403, message)


class TestDelete:
    """E07."""

    @both
    async def test_what_hangs_on_a_client_goes_with_it(self, client):
        """Delegations, keys and reservations go uncounted; users, mappings and other clients' records stay."""
        other = await make_client(client, "other")
        await make_delegation(client, client_id="other")
        kept = await make_key(client, other)
        reservation = await make_reservation(client)
        same(
            await client.delete("/v1/tms/client/del/testclient1", headers=CLIENT),
            200,
            '{"num_deleted":1,"result_code":"0","result_msg":"Client testclient1 deleted"}',
        )
        assert [found["client_id"] for found in await listed(client, "client")] == ["other"]
        assert [found["client_id"] for found in await listed(client, "delegations")] == ["other"]
        assert [found["public_key_fingerprint"] for found in await listed(client, "pubkeys")] == [kept]
        not_found(await client.get(f"/v1/tms/reservations/x/{reservation}", headers=ADMIN))
        not_found(await retrieve(client))
        assert [found["tms_user_id"] for found in await listed(client, "usermfa")] == ["testuser1"]
        assert [found["tms_user_id"] for found in await listed(client, "userhosts")] == ["testuser1"]
        assert (await client.get("/v1/tms/client/testclient1", headers=CLIENT)).status_code == 401

    async def test_an_unknown_client(self, client):
        """Nothing is deleted, nor the client of that name in another tenant."""
        text = '{"num_deleted":0,"result_code":"0","result_msg":"Client testclient1 NOT FOUND - Nothing deleted"}'
        before = await everything(client)
        same(await client.delete("/v1/tms/client/del/testclient1", headers=admin("default")), 200, text)
        assert await everything(client) == before

    async def test_another_client_is_forbidden(self, client):
        """It stays."""
        await make_client(client, "other")
        message = "ERROR: FORBIDDEN - Payload parameters (other@test) differ from those in the request header."
        refused(await client.delete("/v1/tms/client/del/other", headers=CLIENT), 403, message)
        assert len(await listed(client, "client")) == 2


class TestSecret:
    """E08."""

    @both
    @pytest.mark.parametrize("headers", [CLIENT, ADMIN], ids=["client", "admin"])
    async def test_a_new_secret_works_and_the_old_one_does_not(self, clock, client, wire, headers):
        """`updated` tells of the change; the secret itself is shown nowhere else."""
        clock.forward(minutes=1)
        text = (
            '{"client_id":"testclient1","client_secret":"<secret>","result_code":"0",'
            '"result_msg":"Secret updated for client testclient1","tenant":"test"}'
        )
        body = same(await client.patch("/v1/tms/client/secret/testclient1", headers=headers), 200, text)
        assert (await client.get("/v1/tms/client/testclient1", headers=CLIENT)).status_code == 401
        changed = caller("testclient1", body["client_secret"])
        shown = (await client.get("/v1/tms/client/testclient1", headers=changed)).json()
        assert "client_secret" not in shown
        assert shown["updated"] == "2026-11-23T18:01:00.123456" + ("+00:00" if wire == V030 else "Z")

    async def test_an_unknown_client_gets_a_useless_secret(self, client):
        """The rows are not counted (D13)."""
        text = (
            '{"client_id":"none","client_secret":"<secret>","result_code":"0",'
            '"result_msg":"Secret updated for client none","tenant":"test"}'
        )
        body = same(await client.patch("/v1/tms/client/secret/none", headers=ADMIN), 200, text)
        answer = await client.get("/v1/tms/client/none", headers=caller("none", body["client_secret"]))
        assert answer.status_code == 401
        assert len(await listed(client, "client")) == 1

    async def test_another_client_is_forbidden(self, client):
        """Its secret stays."""
        other = await make_client(client, "other")
        message = "ERROR: FORBIDDEN - Payload parameters (other@test) differ from those in the request header."
        refused(await client.patch("/v1/tms/client/secret/other", headers=CLIENT), 403, message)
        assert (await client.get("/v1/tms/client/other", headers=other)).status_code == 200

    async def test_a_real_0_3_0_cannot_rotate_secrets(self, client_for):
        """The old secret goes on working (D1)."""
        client = await client_for(quirks="real")
        refused(await client.patch("/v1/tms/client/secret/testclient1", headers=CLIENT), 500, NOT_A_TEXT)
        assert (await client.get("/v1/tms/client/testclient1", headers=CLIENT)).status_code == 200


_COLUMNS = "id, tenant, admin_user, admin_secret, 'a', 'b', 'c', 'd', 'e', 1, 2, 3, 4, created, created, updated"
STACKED = [
    "x' OR '1'='1",
    f"x' UNION SELECT {_COLUMNS} FROM admin WHERE '1'='1",
    "x'; UPDATE tenants SET enabled = 0; --",
    "x'; INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('evil', 1, '', ''); --",
    "x'; DROP TABLE pubkeys; --",
]


@both
async def test_sql_in_a_client_id_is_only_a_name(client):
    """Such a client gets its own rows alone and changes nothing (S2, D3)."""
    await make_user(client, "user of another", headers=admin("default"))
    for client_id in STACKED:
        headers = await make_client(client, client_id)
        await make_delegation(client, client_id=client_id)
        before = await everything(client)
        assert [found["client_id"] for found in await listed(client, "client", headers)] == [client_id]
        assert await listed(client, "pubkeys", headers) == []
        not_found(await client.get("/v1/tms/pubkeys/id/1", headers=headers))
        assert await everything(client) == before
        fingerprint = await make_key(client, headers)
        keys = await listed(client, "pubkeys")
        key = next(found for found in keys if found["public_key_fingerprint"] == fingerprint)
        assert await listed(client, "pubkeys", headers) == [key]
        shown = await client.get(f"/v1/tms/pubkeys/id/{key['id']}", headers=headers)
        assert shown.json() == {**key, "result_code": "0", "result_msg": "success"}


@both
async def test_an_apostrophe_in_a_client_id_is_mended_under_real_quirks_too(client_for, wire):
    """D3 is reproduced by no setting, since it is the way to S2."""
    client = await client_for(quirks="real", wire_version=wire)
    headers = await make_client(client, "o'brian")
    text = '{"num_pubkeys":0,"pubkeys":[],"result_code":"0","result_msg":"success"}'
    same(await client.get("/v1/tms/pubkeys/list", headers=headers), 200, text)
    not_found(await client.get("/v1/tms/pubkeys/id/1", headers=headers))


async def test_records_of_a_client_in_both_places(client):
    """With both credentials valid the caller is the client, with a bad client secret the administrator (1.4)."""
    await make_client(client, "other")
    assert len(await listed(client, "client", {**ADMIN, **CLIENT})) == 1
    assert len(await listed(client, "client", {**ADMIN, **CLIENT, "X-TMS-CLIENT-SECRET": "wrong"})) == 2
