"""E36 to E39: addresses of hosts, which no other endpoint reads."""

from tests.tms.conftest import (
    ADMIN,
    V030,
    admin,
    both,
    database_refused,
    delete,
    everything,
    listed,
    make_host,
    make_key,
    not_found,
    same,
)

ELEMENT = '{"addr":"%s","created":"<stamp>","host":"%s","id":%d,"tenant":"test","updated":"<stamp>"}'


async def create(client, host="host1", addr="10.0.0.1"):
    """Post E36 and return the whole answer."""
    return await client.post("/v1/tms/hosts", headers=ADMIN, json={"tenant": "test", "host": host, "addr": addr})


class TestCreateAndGet:
    """E36 and E37."""

    @both
    async def test_a_new_mapping_and_its_record(self, client, wire):
        """Created and updated are the same instant; the address is not validated."""
        text = '{"addr":"no address","host":"host1","result_code":"0","result_msg":"success","tenant":"test"}'
        same(await create(client, addr="no address"), 201, text)
        text = (
            '{"addr":"no address","created":"<stamp1>","host":"host1","id":1,"result_code":"0","result_msg":"success",'
            '"tenant":"test","updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/hosts/1", headers=ADMIN), 200, text, wire)

    @both
    async def test_a_duplicate_is_refused_by_the_database(self, client, wire):
        """Its id is spent in 0.3.0 (D4, 2.0)."""
        await create(client)
        before = await everything(client)
        database_refused(
            await create(client),
            wire,
            'duplicate key value violates unique constraint "hosts_tenant_host_addr_key"',
            "(code: 2067) UNIQUE constraint failed: hosts.tenant, hosts.host, hosts.addr",
        )
        assert await everything(client) == before
        await create(client, addr="10.0.0.2")
        assert [found["id"] for found in await listed(client, "hosts")] == [1, 3 if wire == V030 else 2]

    async def test_an_unknown_id(self, client):
        """No such row, or only in another tenant."""
        await create(client)
        for path, headers in (("99", ADMIN), ("1", admin("default"))):
            not_found(await client.get(f"/v1/tms/hosts/{path}", headers=headers))


class TestList:
    """E38."""

    @both
    async def test_mappings_by_host_and_address(self, client, wire):
        """In an array called users."""
        for host, addr in (("b", "1"), ("a", "9"), ("a", "10"), ("B", "1")):
            await make_host(client, host, addr)
        made = [("1", "B", 4), ("10", "a", 3), ("9", "a", 2), ("1", "b", 1)]
        elements = ",".join(ELEMENT % found for found in made)
        text = f'{{"num_mappings":4,"result_code":"0","result_msg":"success","users":[{elements}]}}'
        same(await client.get("/v1/tms/hosts/list", headers=ADMIN), 200, text, wire)

    async def test_the_seed_has_no_hosts(self, client):
        """An empty array."""
        text = '{"num_mappings":0,"result_code":"0","result_msg":"success","users":[]}'
        same(await client.get("/v1/tms/hosts/list", headers=ADMIN), 200, text)


class TestDelete:
    """E39."""

    async def test_one_mapping_goes_and_nothing_else(self, client):
        """Other addresses of the host stay, and the keys for it."""
        await make_host(client, "testhost1", "1")
        await make_host(client, "testhost1", "2")
        await make_key(client)
        text = '{"num_deleted":1,"result_code":"0","result_msg":"Host testhost1 -> 1 deleted in tenant test"}'
        same(await delete(client, "hosts/del", tenant="test", host="testhost1", addr="1"), 200, text)
        assert [found["addr"] for found in await listed(client, "hosts")] == ["2"]
        assert (len(await listed(client, "pubkeys")), len(await listed(client, "userhosts"))) == (2, 1)

    async def test_an_unknown_mapping(self, client):
        """Host and address have to match."""
        await make_host(client, "h", "1")
        for host, addr in (("h", "2"), ("x", "1")):
            message = f"Host mapping {host} -> {addr} NOT FOUND for tenant test - Nothing deleted"
            text = f'{{"num_deleted":0,"result_code":"0","result_msg":"{message}"}}'
            same(await delete(client, "hosts/del", tenant="test", host=host, addr=addr), 200, text)
        assert len(await listed(client, "hosts")) == 1


async def test_no_other_endpoint_reads_the_hosts(client):
    """A key is made for a host that nobody has registered (S15)."""
    assert await listed(client, "hosts") == []
    await make_key(client)
