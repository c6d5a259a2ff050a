"""The hints, read from the log of real requests: what they say, how often, and that what they print works."""

import io
import json
import os
import re
import subprocess
import time
from types import SimpleNamespace

import httpx
import pytest

from app.hints import Hints
from app.request_log import RequestLog
from app.seed import STANDARD_FINGERPRINT, STANDARD_PUBLIC_KEY
from app.tms.user_mfa import on as user_mfa
from tests.clocks import StillClock
from tests.conftest import ClientFor
from tests.raw import PATIENCE_SECONDS
from tests.seeded import CALLER as CLIENT
from tests.servers import ADMIN_SECRET, STANDARD, Server, running

NEW_KEY = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1"}
LIMITS = {"num_uses": -1, "ttl_minutes": -1}
# Everything that a shell, JSON, a terminal or a log might take for its own.
AWKWARD = "a'b\"c\\d$HOME`id`;é\n2026-11-23T18:53:33.248Z GET / 200 1us\x1b[2J !*"


def printed_hints(server: Server, count: int) -> list[str]:
    """Wait until a server has printed this many lines of hints, in either form, and return them."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = [line for line in server.log().splitlines() if line.startswith(("  hint: ", '{"hint"'))]
        told = [json.loads(line)["hint"].split("\n") if line[0] == "{" else [line[8:]] for line in found]
        lines = [line for several in told for line in several]
        if len(lines) >= count or time.monotonic() > give_up:
            return lines
        time.sleep(0.02)


def in_shell(command: str, folder: object) -> subprocess.CompletedProcess[str]:
    """Run a printed command as somebody does who has pasted the exports of the banner."""
    environment = {**os.environ, "X_TMS_ADMIN_SECRET": ADMIN_SECRET}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.system("curl", "curl")
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("name", ["user 7", AWKWARD])
def test_what_a_refused_createkey_prints_mends_it(tmp_path, log_format, name):
    """Each missing record is named with a curl line; run in a shell, they make the same createkey succeed."""
    place = {"client_user_id": name, "host": f"host of {name}", "host_account": f"account of {name}"}
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)
    with running(tmp_path, log_format=log_format, **STANDARD) as server:
        url = f"{server.url}/v1/tms/pubkeys/creds"
        assert httpx.post(url, json={**place, **LIMITS}, headers=CLIENT).status_code == 403
        told = printed_hints(server, 6)
        assert told[::2] == [
            f"there is no user MFA record for {shown}; this adds it:",
            f"there is no user host record for {shown}, account of {shown} on host of {shown}; this adds it:",
            f"there is no delegation of {shown} to testclient1; this adds it:",
        ]
        assert not re.search("adminsecret1|secret1", "".join(told))
        for command in told[1::2]:
            done = in_shell(f"{command} -sS", tmp_path)
            assert (done.returncode, json.loads(done.stdout)["result_msg"]) == (0, "success"), done
        assert httpx.post(url, json={**place, **LIMITS}, headers=CLIENT).status_code == 201
    assert {path.suffix for path in tmp_path.iterdir()} <= {".db", ".db-wal", ".db-shm", ".log"}


@pytest.mark.parametrize(
    ("change", "records"),
    [
        ({"client_user_id": "nobody"}, ["user MFA record", "user host record", "delegation"]),
        ({"host": "elsewhere"}, ["user host record"]),
        ({"host_account": "another"}, ["user host record"]),
    ],
)
async def test_only_what_is_missing_is_named(client_for: ClientFor, capsys, change, records):
    """What is there is not."""
    client = await client_for()
    answer = await client.post("/v1/tms/pubkeys/creds", json={**NEW_KEY, **LIMITS, **change}, headers=CLIENT)
    assert answer.status_code == 403
    assert "curl" not in answer.text
    told = await all_hints(client, capsys)
    assert re.findall(r"there is no (user MFA record|user host record|delegation)", told) == records


async def all_hints(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the log of an application in this process holds that is a hint."""
    client._transport.app.edge._parts.log._write()
    return "".join(line for line in capsys.readouterr().out.splitlines(True) if line.startswith("  hint: "))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"public_key_fingerprint": "SHA256:none"}, "no key is stored with fingerprint SHA256:none"),
        ({"host": "else'where"}, f"{STANDARD_FINGERPRINT} is stored, but host \"else'where\" does not match 'testhost1'"),
        ({"user": "root"}, f"{STANDARD_FINGERPRINT} is stored, but user 'root' does not match 'testhostaccount1'"),
        ({"user": "root", "host": "h"},
         (f"{STANDARD_FINGERPRINT} is stored, but host 'h' does not match 'testhost1'"
         " and user 'root' does not match 'testhostaccount1'")),
        ({"host": "x\n  hint: forged\x1b[1m"},
         f"{STANDARD_FINGERPRINT} is stored, but host 'x\\n  hint: forged\\x1b[1m' does not match 'testhost1'"),
        ({"public_key_fingerprint": "f\n  hint: forged"}, "no key is stored with fingerprint f\\n  hint: forged"),
    ],
)  # fmt: skip
async def test_a_getkey_that_finds_nothing(client_for: ClientFor, capsys, change, told):
    """The log says which of fingerprint, host and account does not match; the caller hears only that nothing is there."""
    client = await client_for()
    body = {"user": "testhostaccount1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT, **change}
    answer = await client.post("/v1/tms/pubkeys/creds/retrieve", json=body)
    assert answer.text == '{"result_code":"404","result_msg":"NOT_FOUND"}'
    assert await all_hints(client, capsys) == f"  hint: getkey: {told}\n"


async def test_a_getkey_that_finds_its_key_is_quiet(client_for: ClientFor, capsys):
    """There is nothing to say."""
    client = await client_for()
    body = {"user": "testhostaccount1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT}
    answer = await client.post("/v1/tms/pubkeys/creds/retrieve", json=body)
    assert (answer.json()["public_key"], await all_hints(client, capsys)) == (STANDARD_PUBLIC_KEY, "")


def test_a_key_that_was_made_meanwhile_is_no_hint():
    """Nothing is wrong with any of the three when somebody has just stored the key."""
    _, stream, log, hints = quiet_hints()
    hints.key_not_found("u", "h", "f", SimpleNamespace(host="h", host_account="u"))
    log._write()
    assert stream.getvalue() == ""


async def test_why_strict_holds_a_key_back(client_for: ClientFor, capsys):
    """The key is there, so the reason is told."""
    client = await client_for(strict=True)
    key = {"client_id": "testclient1", "tenant": "test", "host": "testhost1"}
    key["public_key_fingerprint"] = STANDARD_FINGERPRINT
    changed = await client.patch("/v1/tms/pubkeys", json={**key, "max_uses": 0}, headers=CLIENT)
    assert changed.status_code == 200
    body = {"user": "testhostaccount1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT}
    assert (await client.post("/v1/tms/pubkeys/creds/retrieve", json=body)).status_code == 404
    reason = f"getkey: {STANDARD_FINGERPRINT} on testhost1 is stored, but it has no remaining uses (strict)"
    assert await all_hints(client, capsys) == f"  hint: {reason}\n"


# How often: on a clock that the test moves.


def quiet_hints() -> tuple[StillClock, io.StringIO, RequestLog, Hints]:
    """Return hints with a clock and a stream of their own."""
    clock, stream = StillClock(), io.StringIO()
    log = RequestLog(clock, "text", stream)
    return clock, stream, log, Hints(log, clock, "http://127.0.0.1:3000")


def test_the_same_hint_is_not_repeated_within_ten_seconds():
    """One is enough under load; another occasion has its own, and after ten seconds it is said again."""
    clock, stream, log, hints = quiet_hints()
    for after in (0, 9.9, 10.1, 20.0):
        clock.measured = 100.0 + after
        hints.key_not_usable("f", "h", "it is expired")
    hints.key_not_usable("f", "h", "it has no remaining uses")
    hints.key_not_usable("f", "i", "it is expired")
    hints.missing("delegation", "delegations", "test", {})
    hints.missing("delegation", "delegations", "default", {})
    hints.missing("delegation", "delegations", "test", {})
    log._write()
    assert [line.partition("; this adds it:")[0] for line in stream.getvalue().splitlines() if "curl" not in line] == [
        "  hint: getkey: f on h is stored, but it is expired (strict)",
        "  hint: getkey: f on h is stored, but it is expired (strict)",
        "  hint: getkey: f on h is stored, but it has no remaining uses (strict)",
        "  hint: getkey: f on i is stored, but it is expired (strict)",
        "  hint: there is no delegation",
        "  hint: there is no delegation",
    ]


async def test_a_repeated_getkey_is_not_explained_again(client_for: ClientFor, capsys):
    """What was said a moment ago is not looked for a second time."""
    client = await client_for()
    body = {"user": "u", "host": "h", "public_key_fingerprint": "f"}
    for _ in range(3):
        assert (await client.post("/v1/tms/pubkeys/creds/retrieve", json=body)).status_code == 404
    assert await all_hints(client, capsys) == "  hint: getkey: no key is stored with fingerprint f\n"


def test_what_is_remembered_is_bounded():
    """Nobody can fill the memory with occasions, nor with long names."""
    _, _, _, hints = quiet_hints()
    for number in range(2500):
        hints.key_not_usable(f"{number}" * 100, "h", "it is expired")
    assert len(hints._given) == 500
    assert {type(occasion) for occasion in hints._given} == {int}


def test_the_printed_command():
    """The whole line, with the port of the settings, the secret left to the shell's variable."""
    _, stream, log, hints = quiet_hints()
    hints.missing("user MFA record for it's", user_mfa.prefix.removeprefix("/tms/"), "te st", {"tms_user_id": "it's é"})
    log._write()
    assert stream.getvalue() == (
        "  hint: there is no user MFA record for it's; this adds it:\n"
        "  hint: curl -X POST http://127.0.0.1:3000/v1/tms/usermfa -H 'Content-Type: application/json'"
        " -H 'X-TMS-TENANT: te st' -H 'X-TMS-ADMIN-ID: ~~admin' -H \"X-TMS-ADMIN-SECRET: $X_TMS_ADMIN_SECRET\""
        """ -d '{"tenant": "te st", "tms_user_id": "it'"'"'s \\u00e9", "ttl_minutes": -1}'\n"""
    )
