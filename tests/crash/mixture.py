"""The mixed load: requests that write, each noted in the ledger before it is sent and after it is answered."""

import asyncio
import random
from typing import Any

from tests.crash.estate import NEVER, THERE, Client, Family, Flow, Key, delegation, hash_of, jti_of
from tests.crash.ledger import Thing
from tests.crash.worker import GRANT, Actions, Worker
from tests.load.scenarios import CLIENT

HOST, ACCOUNT = "crashhost", "crashaccount"
OWNER = "testclient1"


async def create_key(worker: Worker) -> bool:
    """Create a key of a new user; MVP mode makes the user, the mapping and the delegation, else they come first."""
    user, uses = f"user{worker.estate.number()}", random.randint(1, 9999)
    needed = {("user", user): THERE, ("mapping", user): (NEVER,), delegation(OWNER, user): (NEVER,)}
    if not (worker.mvp or await _prepare(worker, user)):
        return True
    body = {"client_user_id": user, "host": HOST, "host_account": ACCOUNT, "num_uses": uses, "ttl_minutes": uses}
    after = {("key", user): (uses, uses)}
    change, answer = await worker.tms("POST", "pubkeys/creds", after, {**body, "key_type": "ed25519"}, CLIENT)
    if answer.status == 201:
        key = Key(user, answer.body["public_key_fingerprint"], uses)
        worker.ledger.answered(change, {**key.things, **needed})
        worker.estate.keys.append(key)
    return True


async def _prepare(worker: Worker, user: str) -> bool:
    """Make by three requests what a key needs, and return whether all went well."""
    asked: list[tuple[str, Thing, dict[str, str]]] = [
        ("usermfa", ("user", user), {"tms_user_id": user}),
        ("userhosts", ("mapping", user), _mapping_body(user)),
        ("delegations", delegation(OWNER, user), {"client_id": OWNER, "client_user_id": user}),
    ]
    for path, thing, body in asked:
        state = THERE if thing[0] == "user" else (NEVER,)
        change, answer = await worker.tms("POST", path, {thing: state}, {**body, "tenant": "test", "ttl_minutes": -1})
        if answer.status != 201:
            return False
        worker.ledger.answered(change)
    return True


def _key_body(key: Key) -> dict[str, Any]:
    return {"client_id": OWNER, "tenant": "test", "host": HOST, "public_key_fingerprint": key.fingerprint}


async def patch_key(worker: Worker) -> bool:
    """Give a key new uses and a new expiry, two statements of one request."""
    if (key := worker.estate.take(worker.estate.keys)) is None:
        return False
    uses = random.randint(1, 9999)
    body = {**_key_body(key), "max_uses": uses, "ttl_minutes": uses}
    change, answer = await worker.tms("PATCH", "pubkeys", {("key", key.user): (uses, uses)}, body, CLIENT)
    if answer.status == 200:
        key.uses = uses
        worker.ledger.answered(change)
        worker.estate.keys.append(key)
    return True


async def delete_key(worker: Worker) -> bool:
    """Delete a key; user, mapping and delegation stay."""
    if (key := worker.estate.take(worker.estate.keys)) is None:
        return False
    change, answer = await worker.tms("DELETE", "pubkeys/del", dict.fromkeys(key.things), _key_body(key), CLIENT)
    if answer.status == 200:
        worker.ledger.answered(change)
    return True


def _mapping_body(user: str) -> dict[str, str]:
    return {"tenant": "test", "tms_user_id": user, "host": HOST, "host_account": ACCOUNT}


async def patch_mapping(worker: Worker) -> bool:
    """Give a user's mapping a new expiry."""
    if (key := worker.estate.take(worker.estate.keys)) is None:
        return False
    minutes = random.randint(1, 9999)
    body = {**_mapping_body(key.user), "ttl_minutes": minutes}
    change, answer = await worker.tms("PATCH", "userhosts/upd", {key.mapping: (minutes,)}, body)
    if answer.status == 200:
        worker.ledger.answered(change)
    return True  # The mapping will expire, so that its key is left alone from now on.


async def delete_mapping(worker: Worker) -> bool:
    """Delete a user's mapping, and with it the key."""
    if (key := worker.estate.take(worker.estate.keys)) is None:
        return False
    after = {**dict.fromkeys(key.things), key.mapping: None}
    change, answer = await worker.tms("DELETE", "userhosts/del", after, _mapping_body(key.user))
    if answer.status == 200:
        worker.ledger.answered(change)
    return True


async def create_client(worker: Worker) -> bool:
    """Register a client, which MVP mode forbids."""
    if worker.mvp:
        return False
    name = f"client{worker.estate.number()}"
    body = {"tenant": "test", "app_name": name, "app_version": "1", "client_id": name}
    change, answer = await worker.tms("POST", "client", {("client", name): THERE}, body)
    if answer.status == 201:
        worker.ledger.answered(change)
        worker.estate.clients.append(Client(name, answer.body["client_secret"]))
    return True


async def delegate(worker: Worker) -> bool:
    """Add a user and have that user delegate to a client, in two requests."""
    if (client := worker.estate.take(worker.estate.clients)) is None:
        return False
    user = f"user{worker.estate.number()}"
    body: dict[str, Any] = {"tenant": "test", "tms_user_id": user, "ttl_minutes": -1}
    change, answer = await worker.tms("POST", "usermfa", {("user", user): THERE}, body)
    if answer.status == 201:
        worker.ledger.answered(change)
        body = {"tenant": "test", "client_id": client.name, "client_user_id": user, "ttl_minutes": -1}
        change, answer = await worker.tms("POST", "delegations", {delegation(client.name, user): (NEVER,)}, body)
    if answer.status == 201:
        worker.ledger.answered(change)
        client.users.append(user)
        worker.estate.clients.append(client)
    return True


async def delete_client(worker: Worker) -> bool:
    """Have a client delete itself, and with it its delegations."""
    if (client := worker.estate.take(worker.estate.clients)) is None:
        return False
    headers = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": client.name, "X-TMS-CLIENT-SECRET": client.secret}
    path = f"client/del/{client.name}"
    change, answer = await worker.tms("DELETE", path, dict.fromkeys(client.things), None, headers)
    if answer.status == 200:
        worker.ledger.answered(change)
    return True


async def begin_flow(worker: Worker) -> bool:
    """Begin a device flow."""
    change, answer = await worker.oauth("device_authorization", {}, scope="openid offline_access")
    if answer.status == 200:
        flow = Flow(answer.body["user_code"].replace("-", ""), answer.body["device_code"])
        worker.ledger.answered(change, flow.things("pending"))
        worker.estate.pending.append(flow)
    return True


async def poll(worker: Worker) -> bool:
    """Poll a flow that nobody has decided."""
    if (flow := worker.estate.take(worker.estate.pending)) is None:
        return False
    flow.polls += 1
    after = flow.things("pending")
    change, answer = await worker.oauth("token", after, grant_type=GRANT, device_code=flow.device_code)
    if answer.status == 400:
        worker.ledger.answered(change)
        worker.estate.pending.append(flow)
    return True


async def decide(worker: Worker) -> bool:
    """Approve a flow, or deny one of four."""
    if (flow := worker.estate.take(worker.estate.pending)) is None:
        return False
    status, wish = random.choice([("denied", {"action": "deny"}), *3 * [("approved", {"action": "approve"})]])
    body = {**wish, **({"username": "testuser1"} if status == "approved" else {})}
    change, answer = await worker.control(f"device/{flow.user_code}", flow.things(status), body)
    if answer.status == 200:
        worker.ledger.answered(change)
        worker.estate.approved += [flow] if status == "approved" else []
    return True


async def redeem(worker: Worker) -> bool:
    """Fetch the tokens of an approved flow: a grant, two tokens, a poll and a changed flow in one request."""
    if (flow := worker.estate.take(worker.estate.approved)) is None:
        return False
    flow.polls += 1
    after = flow.things("redeemed")
    change, answer = await worker.oauth("token", after, grant_type=GRANT, device_code=flow.device_code)
    if answer.status == 200:
        family = Family([answer.body["refresh_token"]], [answer.body["access_token"]])
        worker.ledger.answered(change, family.things)
        worker.estate.families.append(family)
    return True


async def rotate(worker: Worker) -> bool:
    """Trade a refresh token for its successor."""
    if (family := worker.estate.take(worker.estate.families)) is None:
        return False
    after = {("refresh token", hash_of(family.refresh[-1])): ("used", "good")}
    change, answer = await worker.oauth("token", after, grant_type="refresh_token", refresh_token=family.refresh[-1])
    if answer.status == 200:
        family.refresh.append(answer.body["refresh_token"])
        family.access.append(answer.body["access_token"])
        worker.ledger.answered(change, family.things)
        worker.estate.families.append(family)
    return True


async def end_family(worker: Worker) -> bool:
    """Revoke a refresh token, or show one that was used before: either takes the whole grant along."""
    if (family := worker.estate.take(worker.estate.families)) is None:
        return False
    family.revoked = True
    if len(family.refresh) > 1 and random.random() < 0.5:
        used = family.refresh[0]
        change, answer = await worker.oauth("token", family.things, grant_type="refresh_token", refresh_token=used)
    else:
        change, answer = await worker.oauth("revoke", family.things, token=family.refresh[-1])
    if answer.status in (200, 400):
        worker.ledger.answered(change)
    return True


async def revoke_access(worker: Worker) -> bool:
    """Revoke an access token alone; what else its grant has is left alone from now on."""
    if (family := worker.estate.take(worker.estate.families)) is None:
        return False
    token = random.choice(family.access)
    change, answer = await worker.oauth("revoke", {("access token", jti_of(token)): ("revoked",)}, token=token)
    if answer.status == 200:
        worker.ledger.answered(change)
    return True


ACTIONS: Actions = {
    create_key: 26,
    patch_key: 8,
    delete_key: 5,
    patch_mapping: 4,
    delete_mapping: 4,
    create_client: 6,
    delegate: 6,
    delete_client: 4,
    begin_flow: 14,
    poll: 10,
    decide: 12,
    redeem: 9,
    rotate: 10,
    end_family: 4,
    revoke_access: 2,
}


async def load(workers: list[Worker]) -> None:
    """Have all of them work until they are stopped or nobody answers."""
    await asyncio.gather(*(worker.work(ACTIONS, create_key) for worker in workers))
