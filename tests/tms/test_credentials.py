"""E09 and E10: making keys and handing them out."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from tests.tms.conftest import (
    ADMIN,
    CLIENT,
    LARGEST,
    STANDARD_FINGERPRINT,
    V030,
    admin,
    both,
    key_body,
    listed,
    make_client,
    make_delegation,
    make_key,
    make_mapping,
    make_user,
    not_found,
    patch,
    refused,
    retrieve,
    same,
)

FAR = "6109-12-16T20:07:00"


def expiry(wire, text, digits=".123456"):
    """Return an instant of the stopped clock in the form of the version."""
    return f"{text}{digits}+00:00" if wire == V030 else f"{text}Z"


async def create(client, key_type=None, headers=CLIENT, **fields):
    """Post E09 and return the whole answer."""
    body = {**key_body(**fields), "key_type": key_type}
    return await client.post("/v1/tms/pubkeys/creds", headers=headers, json=body)


async def stored(client, fingerprint):
    """Return the record of a key."""
    return next(found for found in await listed(client, "pubkeys") if found["public_key_fingerprint"] == fingerprint)


class TestCreate:
    """E09."""

    @both
    async def test_a_new_key_and_its_record(self, client, wire):
        """Numbers are strings in the answer and numbers in the record; the private key is in no record."""
        text = (
            '{"expires_at":"<fresh>","key_bits":"256","key_type":"ed25519","max_uses":"3","private_key":"<private>",'
            '"public_key":"<public>","public_key_fingerprint":"<fingerprint>","remaining_uses":"3","result_code":"0",'
            '"result_msg":"success"}'
        )
        body = same(await create(client, uses=3, ttl=10), 201, text, wire)
        fingerprint, public_key = body["public_key_fingerprint"], body["public_key"]
        text = (
            '{"client_id":"testclient1","client_user_id":"testuser1","created":"<stamp1>","expires_at":"<expiry>",'
            '"host":"testhost1","host_account":"testhostaccount1","id":2,"initial_ttl_minutes":10,"key_bits":256,'
            f'"key_type":"ed25519","max_uses":3,"public_key":"{public_key}","public_key_fingerprint":"{fingerprint}",'
            '"remaining_uses":3,"result_code":"0","result_msg":"success","tenant":"test","updated":"<stamp1>"}'
        )
        same(await client.get("/v1/tms/pubkeys/id/2", headers=CLIENT), 200, text, wire)
        text = f'{{"public_key":"{public_key}","result_code":"0","result_msg":"success"}}'
        same(await retrieve(client, fingerprint), 200, text)

    @pytest.mark.parametrize(
        ("words", "key_type", "bits", "algorithm"),
        [
            ([None, "", "DEFAULT", "nonsense", "Ed25519", 5], "ed25519", "256", "ssh-ed25519"),
            (["ecdsa", "ECDSA", "EcDsa"], "ecdsa", "521", "ecdsa-sha2-nistp521"),
        ],
    )
    async def test_key_types(self, client, words, key_type, bits, algorithm):
        """Letter case does not matter, any unknown word means ed25519, and the halves of a pair belong together."""
        for word in words:
            body = (await create(client, word)).json()
            assert (body["key_type"], body["key_bits"]) == (key_type, bits)
            halves = load_ssh_private_key(body["private_key"].encode(), None).public_key()
            assert halves.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == body["public_key"]
            name, blob = body["public_key"].split(" ")
            digest = b64encode(sha256(b64decode(blob)).digest()).decode().rstrip("=")
            assert (name, body["public_key_fingerprint"]) == (algorithm, f"SHA256:{digest}")

    async def test_without_a_key_type(self, client):
        """The field may be left out."""
        answer = await client.post("/v1/tms/pubkeys/creds", headers=CLIENT, json=key_body())
        assert (answer.status_code, answer.json()["key_type"]) == (201, "ed25519")

    async def test_repeating_the_call_makes_another_key(self, client):
        """Both are stored."""
        first, second = await make_key(client), await make_key(client)
        assert first != second
        assert (await retrieve(client, first)).text != (await retrieve(client, second)).text

    async def test_uses(self, client):
        """A negative number is the largest one; both columns get it (1.7)."""
        for asked, got in ((-1, LARGEST), (-2147483648, LARGEST), (0, 0), (7, 7), (LARGEST, LARGEST)):
            body = (await create(client, uses=asked)).json()
            assert (body["max_uses"], body["remaining_uses"]) == (str(got), str(got))
            record = await stored(client, body["public_key_fingerprint"])
            assert (record["max_uses"], record["remaining_uses"]) == (got, got)

    @both
    @pytest.mark.usefixtures("clock")
    async def test_lifetimes(self, client, wire):
        """Negative is never, the largest number is not (1.7); the answer's nanoseconds are not stored (D14)."""
        ends = {0: ("2026-11-23T18:00:00", 0), 61: ("2026-11-23T19:01:00", 61), LARGEST: (FAR, LARGEST)}
        for ttl, (end, minutes) in ends.items():
            body = (await create(client, ttl=ttl)).json()
            record = await stored(client, body["public_key_fingerprint"])
            assert body["expires_at"] == expiry(wire, end, ".123456789")
            assert (record["expires_at"], record["initial_ttl_minutes"]) == (expiry(wire, end), minutes)
        body = (await create(client, ttl=-3)).json()
        record = await stored(client, body["public_key_fingerprint"])
        assert body["expires_at"] == record["expires_at"] == expiry(wire, "9999-12-31T23:59:59", "")
        assert record["initial_ttl_minutes"] == LARGEST

    async def test_an_administrator_makes_no_keys(self, client):
        """A client's headers are asked for first, and an administrator's do not stand in for them."""
        refused(await create(client, headers=ADMIN), 400, "Required 'X-TMS-CLIENT-ID' HTTP header not found")
        message = "ERROR: NOT AUTHORIZED Credential mismatch for client testclient1 in tenant test."
        refused(await create(client, headers={**CLIENT, **ADMIN, "X-TMS-CLIENT-SECRET": "x"}), 401, message)
        assert len(await listed(client, "pubkeys")) == 1


class TestRetrieve:
    """E10."""

    async def test_the_seeded_key(self, client):
        """Anybody may ask, without a header; what sshd sends besides is not looked at."""
        text = '{"public_key":"<public>","result_code":"0","result_msg":"success"}'
        same(await retrieve(client), 200, text)
        body = {"user": "testhostaccount1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT}
        more = {"user_uid": 1, "key_type": "rsa", "other": []}
        same(await client.post("/v1/tms/pubkeys/creds/retrieve", json={**body, **more}), 200, text)

    async def test_user_host_and_fingerprint_have_to_match(self, client):
        """NF for any of them."""
        not_found(await retrieve(client, "SHA256:none"))
        not_found(await retrieve(client, host="none"))
        not_found(await retrieve(client, user="none"))
        not_found(await retrieve(client, user="TESTHOSTACCOUNT1"))

    async def test_a_key_of_any_tenant(self, client):
        """The tenant is not asked for."""
        headers = await make_client(client, "c", "default")
        await make_user(client, "u", headers=admin("default"))
        await make_mapping(client, "u", "h", "a", headers=admin("default"))
        await make_delegation(client, "u", "c", headers=admin("default"))
        fingerprint = await make_key(client, headers, user="u", host="h", account="a")
        assert (await retrieve(client, fingerprint, "a", "h")).status_code == 200

    @both
    async def test_no_rule_is_looked_at(self, clock, client):
        """Neither expiry and uses nor the state of user, mapping, delegation, client and tenant (S1)."""
        fingerprint = await make_key(client, uses=0, ttl=0)
        before = (await retrieve(client, fingerprint)).text
        clock.forward(days=1)
        mapping = {"host": "testhost1", "host_account": "testhostaccount1", "tms_user_id": "testuser1"}
        await patch(client, "userhosts/upd", **mapping, tenant="test", ttl_minutes=0)
        delegation = {"client_id": "testclient1", "client_user_id": "testuser1"}
        await patch(client, "delegations/upd", **delegation, tenant="test", ttl_minutes=0)
        await patch(client, "usermfa/upd", tms_user_id="testuser1", tenant="test", enabled=False)
        await client.patch("/v1/tms/client/upd/testclient1?enabled=false", headers=ADMIN)
        await patch(client, "tenants/upd", tenant="test", enabled=False)
        clock.forward(days=1)
        answer = await retrieve(client, fingerprint)
        assert (answer.status_code, answer.text) == (200, before)

    async def test_nothing_is_counted_down(self, client):
        """The record is the same after any number of calls (S1)."""
        fingerprint = await make_key(client, uses=1)
        before = await stored(client, fingerprint)
        for _ in range(3):
            assert (await retrieve(client, fingerprint)).status_code == 200
        assert await stored(client, fingerprint) == before
