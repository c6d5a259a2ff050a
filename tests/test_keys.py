"""Key pairs against the real ssh-keygen, against contract 1.9, and the pool of RSA keys under load and at its end."""

import asyncio
import os
import subprocess
import sys
import threading
from base64 import b64decode

import pytest

from app import keys
from app.chance import Chance
from app.keys import KeyMaker, KeyPair, RsaPool, fingerprint_of

pytestmark = pytest.mark.timeout(600)  # What makes RSA keys steps back behind all else on a busy machine.

NAMES = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp521", "rsa": "ssh-rsa"}
BITS = {"ed25519": 256, "ecdsa": 521, "rsa": 4096}
CLOSED = "The pool of RSA keys was closed."


async def make_each(*requested, seed=None):
    """Return one pair per requested type, of one maker, closed afterwards."""
    maker = KeyMaker(Chance(seed))
    try:
        return await asyncio.gather(*(maker.make(one) for one in requested))
    finally:
        await maker.close()


@pytest.fixture(scope="module")
def pairs():
    """Several fresh pairs of every type; RSA only twice, asked for at the same time, because it is slow."""
    return asyncio.run(make_each(*["ed25519"] * 5, *["ecdsa"] * 5, *["rsa"] * 2))


def rsa_threads():
    """Return the pool's threads that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("rsa")]


def strings_of(data):
    """Return the length-prefixed strings that `data` is made of."""
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def private_section(pair):
    """Return the bytes of the container's private section, having checked all that stands in front of it."""
    lines = pair.private_key.splitlines()
    container = b64decode("".join(lines[1:-1]), validate=True)
    head = b"openssh-key-v1\0" + b"\0\0\0\4none" + b"\0\0\0\4none" + b"\0\0\0\0" + b"\0\0\0\1"
    assert container[: len(head)] == head
    blob, section = strings_of(container[len(head) :])
    assert blob == b64decode(pair.public_key.split()[1], validate=True)
    return section


def keygen(*arguments):
    """Return what ssh-keygen prints; a refusal fails the test with its words."""
    command = ["ssh-keygen", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.system("openssh-client", "ssh-keygen")
def test_ssh_keygen_agrees_on_public_keys(pairs, tmp_path):
    """Real ssh-keygen prints our bits, our fingerprint, no comment and the type of every public key."""
    path = tmp_path / "key.pub"
    for pair in pairs:
        path.write_text(pair.public_key)
        expected = f"{pair.key_bits} {pair.fingerprint} no comment ({pair.key_type.upper()})\n"
        assert keygen("-lf", str(path)) == expected


@pytest.mark.system("openssh-client", "ssh-keygen")
def test_ssh_keygen_derives_the_public_key(pairs, tmp_path):
    """Real ssh-keygen reads every private key without a passphrase and prints exactly the public key, no comment."""
    for number, pair in enumerate(pairs):
        path = tmp_path / str(number)
        path.touch(mode=0o600)
        path.write_text(pair.private_key)
        assert keygen("-y", "-f", str(path)) == pair.public_key + "\n"


@pytest.mark.system("openssh-client", "ssh-keygen")
def test_ssh_keygen_writes_the_same_container(pairs, tmp_path):
    """A key that ssh-keygen rewrites itself has our armour, our wrapping and our length; only the check is new."""
    for number, pair in enumerate(pairs):
        path = tmp_path / str(number)
        path.touch(mode=0o600)
        path.write_text(pair.private_key)
        keygen("-p", "-f", str(path), "-N", "", "-P", "", "-C", "", "-q")
        rewritten = pair._replace(private_key=path.read_text())
        assert private_section(rewritten)[8:] == private_section(pair)[8:]
        assert [*map(len, rewritten.private_key.split("\n"))] == [*map(len, pair.private_key.split("\n"))]


def test_types_and_bits(pairs):
    """Types are answered in lower case, with the bits and the algorithm of the contract."""
    found = [(pair.key_type, pair.key_bits, pair.public_key.split(" ")[0]) for pair in pairs]
    expected = [(kind, BITS[kind], NAMES[kind]) for kind in ["ed25519"] * 5 + ["ecdsa"] * 5 + ["rsa"] * 2]
    assert found == expected


def test_every_key_is_another(pairs):
    """No two pairs share a key, two RSA requests at the same time included."""
    assert len({pair.public_key for pair in pairs}) == len({pair.private_key for pair in pairs}) == len(pairs)


def test_private_key_text(pairs):
    """The armour is OpenSSH's, the base64 is wrapped at 70 columns, every line ends in LF and nothing else."""
    for pair in pairs:
        first, *body, last, behind = pair.private_key.split("\n")
        assert (first, last, behind) == (
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "-----END OPENSSH PRIVATE KEY-----",
            "",
        )
        assert {len(line) for line in body[:-1]} == {70}
        assert 0 < len(body[-1]) <= 70
        assert "\r" not in pair.private_key


def test_private_section(pairs):
    """The two check integers are equal, the comment is empty, and 1, 2, 3... pads to eight bytes."""
    counts = {"ed25519": 3, "ecdsa": 4, "rsa": 7}
    for pair in pairs:
        section = private_section(pair)
        padding = next(size for size in range(8) if section.endswith(b"\0\0\0\0" + bytes(range(1, size + 1))))
        *fields, comment = strings_of(section[8 : len(section) - padding])
        assert section[:4] == section[4:8]
        assert (len(section) % 8, fields[0].decode(), len(fields), comment) == (
            0,
            NAMES[pair.key_type],
            counts[pair.key_type],
            b"",
        )


def test_public_key_is_one_line_without_comment(pairs):
    """A public key is two words and one space, with no newline and nothing behind."""
    for pair in pairs:
        algorithm, encoded = pair.public_key.split(" ")
        assert pair.public_key == f"{algorithm} {encoded}"
        assert encoded == encoded.strip()


@pytest.mark.parametrize("value", [0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000])
def test_integers_stay_positive(value):
    """An integer takes as few bytes as it can while it stays positive for a reader of two's complement."""
    (encoded,) = strings_of(keys._integer(value))
    assert int.from_bytes(encoded, "big", signed=True) == value
    assert len(encoded) == value.bit_length() // 8 + 1


@pytest.mark.parametrize(
    "requested", [None, "", "DEFAULT", "dsa", "ed25519", "Ed25519", "ED25519", " RSA", "rsa4096", "ECDSA\n", "ёж"]
)
async def test_anything_else_means_ed25519(requested):
    """Whatever is neither RSA nor ECDSA gives an ed25519 key, never an error."""
    (pair,) = await make_each(requested, seed=1)
    assert [pair] == await make_each("ED25519", seed=1)


@pytest.mark.parametrize("requested", ["ecdsa", "Ecdsa", "ECDSA"])
async def test_case_is_ignored(requested):
    """The requested type is compared in upper case."""
    (pair,) = await make_each(requested)
    assert pair.key_type == "ecdsa"


async def test_seeded_chance_repeats():
    """The same seed gives the same ed25519 and ECDSA pairs byte for byte, and another seed others."""
    wanted = [None, "ECDSA", "ED25519", "ECDSA"]
    first = await make_each(*wanted, seed=7)
    assert first == await make_each(*wanted, seed=7)
    assert not set(first) & set(await make_each(*wanted, seed=8))


async def test_rsa_draws_the_same_however_full_the_pool_is():
    """An RSA request takes four bytes of chance, the first one too, so that what follows repeats itself."""
    maker, reference = KeyMaker(Chance(7)), Chance(7)
    checks = [private_section(await maker.make("RSA"))[:4] for _ in range(2)]
    following = await maker.make(None)
    await maker.close()
    assert checks == [reference.bytes(4), reference.bytes(4)]
    assert following == await KeyMaker(reference).make(None)


def test_fingerprint_of(pairs):
    """A fingerprint can be had from the public line alone, with or without a comment."""
    for pair in pairs:
        assert fingerprint_of(pair.public_key) == fingerprint_of(pair.public_key + " a comment") == pair.fingerprint
        assert len(pair.fingerprint) == len("SHA256:") + 43


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 AAA", "ssh-ed25519 ?AAA", "ssh-ed25519 AA=A"])
def test_fingerprint_of_nonsense(line):
    """A line without a second word, or with one that is not base64, is a ValueError."""
    with pytest.raises(ValueError):
        fingerprint_of(line)


async def test_nothing_is_made_before_the_first_rsa_request():
    """Who never asks for RSA gets no thread."""
    maker = KeyMaker(Chance())
    await maker.make("ED25519")
    await maker.make("ECDSA")
    assert rsa_threads() == []
    await maker.close()
    assert rsa_threads() == []


async def test_rsa_does_not_stop_the_loop():
    """While an RSA key is made, another task keeps its turns."""
    maker, turns = KeyMaker(Chance()), 0
    request = asyncio.create_task(maker.make("RSA"))
    while not request.done():
        await asyncio.sleep(0.001)
        turns += 1
    await maker.close()
    assert turns > 10


async def test_pool_refills_itself():
    """After the first request keys become ready without anybody asking, and the next request gets one of them."""
    pool = RsaPool()
    first = await pool.take()
    ahead = await asyncio.gather(*map(asyncio.wrap_future, pool._ordered))
    second = await pool.take()
    await pool.close()
    assert len(ahead) == 2
    assert second is ahead[0]
    assert second != first


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has priorities per thread.")
async def test_rsa_threads_step_back():
    """The pool's threads have the least priority, and the loop's thread keeps its own."""
    before, maker = os.nice(0), KeyMaker(Chance())
    await maker.make("RSA")
    found = {os.getpriority(os.PRIO_PROCESS, thread.native_id) for thread in rsa_threads()}
    await maker.close()
    assert 19 in found
    assert os.nice(0) == before


def test_elsewhere_the_process_keeps_its_priority(monkeypatch):
    """Where a priority is the whole process's, it is not touched."""
    before = os.nice(0)
    monkeypatch.setattr(sys, "platform", "darwin")
    keys._step_back()
    assert os.nice(0) == before


async def test_close_while_requests_wait():
    """Closing ends every wait: a key under way is still delivered, the others get an error, and no thread stays."""
    maker = KeyMaker(Chance())
    requests = [asyncio.create_task(maker.make("RSA")) for _ in range(6)]
    await asyncio.sleep(0)
    await maker.close()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert rsa_threads() == []
    assert (type(outcomes[-1]), str(outcomes[-1])) == (RuntimeError, CLOSED)
    assert all(isinstance(one, KeyPair) or (type(one), str(one)) == (RuntimeError, CLOSED) for one in outcomes)


async def test_after_close():
    """A closed maker refuses RSA, still makes the other types, and may be closed again."""
    maker = KeyMaker(Chance())
    await maker.close()
    with pytest.raises(RuntimeError):
        await maker.make("RSA")
    assert (await maker.make(None)).key_type == "ed25519"
    await maker.close()
    assert rsa_threads() == []


async def test_key_of_a_cancelled_request_is_not_lost():
    """When the one who waits goes away, the key under way is the next one's."""
    pool = RsaPool()
    request = asyncio.create_task(pool.take())
    while not any(order.running() for order in pool._promised):
        await asyncio.sleep(0.001)
        assert not request.done(), "the key was made between two looks"
    (order,) = pool._promised
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert await pool.take() is order.result()
    await pool.close()


async def test_cancelled_requests_leave_no_work():
    """Keys that nobody waits for any longer and that are not begun are dropped."""
    pool = RsaPool()
    requests = [asyncio.create_task(pool.take()) for _ in range(20)]
    await asyncio.sleep(0)
    promised = set(pool._promised)
    for request in requests:
        request.cancel()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    dropped = {order for order in promised if order.cancelled()}
    await pool.close()
    assert [type(one) for one in outcomes] == [asyncio.CancelledError] * 20
    assert len(promised) == 20
    assert pool._promised == set()
    assert promised & set(pool._ordered) == promised - dropped
    assert len(dropped) >= 10
