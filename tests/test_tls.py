"""The certificate: made once, kept, made anew when it is no good; own files; and https on the wire, both halves."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import (
    CertificateBuilder,
    DNSName,
    IPAddress,
    SubjectAlternativeName,
    load_pem_x509_certificate,
)

from app.errors import StartRefused
from app.settings import Settings
from app.tls import ServerFiles, authority_path, certificate_authority, server_files
from tests.raw import JSON, PATIENCE_SECONDS, RETRIEVE, TEXT, request_of
from tests.seeded import ADMIN
from tests.servers import ROOT, STANDARD, Server, StartError, by_uvicorn, running

ALWAYS = {"localhost", "127.0.0.1", "::1", "tms-standin", "host.docker.internal"}
INSTEAD = "or files of your own in standin.tls_certificate and standin.tls_key."
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Relative paths of the settings begin at the current directory."""
    monkeypatch.chdir(tmp_path)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names_in(path: Path) -> set[str]:
    """Return the names and addresses that a certificate is for."""
    extension = load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(SubjectAlternativeName)
    addresses = map(str, extension.value.get_values_for_type(IPAddress))
    return {*extension.value.get_values_for_type(DNSName), *addresses}


def negotiated(files: ServerFiles, authority: bytes, name: str) -> str | None:
    """Return the version of TLS that a strict client and a server with these files agree on; raises ssl.SSLError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*files)
    client = ssl.create_default_context(cadata=authority.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].version()


# Made at the first start.


def test_the_first_start_makes_an_authority_and_a_certificate(tmp_path):
    """Two files, the one with the key for the owner alone; the authority's key is nowhere."""
    files = server_files(Settings(tls=True))
    assert files == ServerFiles(tmp_path / "tls/server.pem", tmp_path / "tls/server.pem")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {
        "ca.pem": 0o644,
        "server.pem": 0o600,
    }
    assert b"KEY" not in (tmp_path / "tls/ca.pem").read_bytes()
    assert (tmp_path / "tls/server.pem").read_bytes().count(b"BEGIN EC PRIVATE KEY") == 1


@pytest.mark.parametrize("name", sorted(ALWAYS))
def test_clients_that_trust_the_authority_take_it(name):
    """The strictest checks of OpenSSL pass under each of the names."""
    settings = Settings(tls=True)
    files = server_files(settings)
    assert negotiated(files, certificate_authority(settings), name) == "TLSv1.3"


def test_clients_do_not_take_it_under_another_name():
    """It is for the names that were promised, not for any."""
    settings = Settings(tls=True)
    files = server_files(settings)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        negotiated(files, certificate_authority(settings), "standin.example")


def test_it_is_valid_for_as_long_as_apples_systems_allow():
    """They refuse more than 825 days; yesterday's clocks are borne with."""
    certificate = load_pem_x509_certificate(server_files(Settings(tls=True)).certificate.read_bytes())
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert timedelta(days=700) < end - begin <= timedelta(days=825)
    assert begin < datetime.now(UTC) - timedelta(hours=23)


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("127.0.0.1", set()),
        ("0.0.0.0", set()),
        ("::", set()),
        ("192.0.2.7", {"192.0.2.7"}),
        ("2001:DB8:0::7", {"2001:db8::7"}),
        ("fe80::7%eth0", {"fe80::7"}),
        ("Standin.Example", {"standin.example"}),
        # What no certificate can name is left out.
        ("under_score", set()),
        ("-dash.example", set()),
        ("ab--cd.example", set()),
        ("dot.example.", set()),
        ("x" * 64, set()),
        ("user@example", set()),
    ],
)
def test_the_host_is_among_the_names(host, more):
    """The host that is listened on, and the machine's own name, stand beside those that are always there."""
    settings = Settings(tls=True, host=host)
    made = names_in(server_files(settings).certificate)
    machine = socket.gethostname().lower()
    assert made - {machine} == (ALWAYS | more) - {machine}
    before = content(Path("tls"))
    server_files(settings)
    assert content(Path("tls")) == before


def test_the_machines_name_is_among_the_names(monkeypatch):
    """Other machines use it. A container has a new one at each start, which is no reason for a new authority."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Machine-1")
    assert names_in(server_files(Settings(tls=True)).certificate) == ALWAYS | {"machine-1"}
    before = content(Path("tls"))
    monkeypatch.setattr(socket, "gethostname", lambda: "machine-2")
    server_files(Settings(tls=True))
    assert content(Path("tls")) == before


def test_the_folder_is_chosen(tmp_path):
    """A relative path begins at the current directory, and folders in between are made."""
    settings = Settings(tls=True, tls_folder="a/b")
    assert server_files(settings).certificate == tmp_path / "a/b/server.pem"
    assert authority_path(settings) == tmp_path / "a/b/ca.pem"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# Kept, or made anew.


def test_a_later_start_finds_it():
    """Clients that trust the authority go on, whatever else the settings say; not even the times of the files change."""
    server_files(Settings(tls=True))
    before = {path.name: path.stat().st_mtime_ns for path in Path("tls").iterdir()}
    server_files(Settings(http_addr="https://localhost", random_seed=1))
    assert {path.name: path.stat().st_mtime_ns for path in Path("tls").iterdir()} == before


def test_a_start_that_finds_it_needs_no_right_to_write():
    """A folder may be handed to a container read-only; nothing is made, so trustme is not even imported."""
    server_files(Settings(tls=True))
    code = (
        "import sys; from app.tls import server_files; from app.settings import Settings;"
        "server_files(Settings(tls=True)); print('trustme' in sys.modules)"
    )
    for path in (*Path("tls").iterdir(), Path("tls")):
        path.chmod(0o500)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    Path("tls").chmod(0o700)
    assert (done.stdout, done.stderr) == (b"False\n", b"")


def of_trustme(**options) -> tuple[bytes, bytes]:
    """Return ca.pem and server.pem as the stand-in would have made them at another time or for other names."""
    authority = trustme.CA(organization_name="TMS stand-in")
    now = datetime.now(UTC)
    names = options.pop("names", sorted(ALWAYS))
    times = {"not_before": now - timedelta(days=800), "not_after": now + timedelta(days=2)} | options
    issued = authority.issue_cert(*names, organization_name="TMS stand-in", **times)
    return authority.cert_pem.bytes(), issued.private_key_and_cert_chain_pem.bytes()


def with_a_passphrase(pem: bytes) -> bytes:
    """Return a key and a certificate with the key encrypted."""
    key = load_pem_private_key(pem, None).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"hush")
    )
    return key + pem[pem.index(b"-----BEGIN CERT") :]


def nameless(key: PrivateKey) -> tuple[bytes, bytes]:
    """Return an authority, and a key with a certificate of that authority that has no alternative names."""
    authority = trustme.CA(organization_name="TMS stand-in")
    now, issuer = datetime.now(UTC), authority._certificate.subject
    certificate = (
        CertificateBuilder(issuer, issuer, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .sign(authority._private_key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return authority.cert_pem.bytes(), private + certificate


def no_good() -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return pairs of ca.pem and server.pem that cannot be served, None for a file that is not there."""
    now, (authority, server) = datetime.now(UTC), of_trustme()
    key, certificate = server[: server.index(b"-----BEGIN CERT")], server[server.index(b"-----BEGIN CERT") :]
    return {
        "no authority": (None, server),
        "no certificate": (authority, None),
        "an authority that is empty": (b"", server),
        "an authority that is not PEM": (b"\xff\x00", server),
        "a certificate that is not PEM": (authority, b"half a file"),
        "a certificate that is cut": (authority, server[:-40]),
        "another authority": (of_trustme()[0], server),
        "no key": (authority, certificate),
        "another key": (authority, of_trustme()[1][: len(key)] + certificate),
        "a key with a passphrase": (authority, with_a_passphrase(server)),
        "expired": of_trustme(not_after=now - timedelta(seconds=1)),
        "about to expire": of_trustme(not_after=now + timedelta(hours=23)),
        "not yet valid": of_trustme(not_before=now + timedelta(hours=1)),
        "a name too few": of_trustme(names=sorted(ALWAYS - {"tms-standin"})),
        "an address too few": of_trustme(names=sorted(ALWAYS - {"::1"})),
        "no names": nameless(ec.generate_private_key(ec.SECP256R1())),
    }


@pytest.mark.parametrize("kind", no_good())
def test_what_is_no_good_is_made_anew(kind):
    """Both files are replaced, and the new ones can be served."""
    authority, server = no_good()[kind]
    Path("tls").mkdir()
    for name, data in (("ca.pem", authority), ("server.pem", server)):
        if data is not None:
            Path("tls", name).write_bytes(data)
    settings = Settings(tls=True)
    files = server_files(settings)
    assert certificate_authority(settings) != authority
    assert content(Path("tls")).keys() == {"ca.pem", "server.pem"}
    assert files.certificate.stat().st_mode & 0o777 == 0o600
    assert negotiated(files, certificate_authority(settings), "localhost") == "TLSv1.3"


def test_what_is_good_is_kept():
    """The counterpart of the above: a certificate made long ago, with two days left."""
    Path("tls").mkdir()
    for name, data in zip(("ca.pem", "server.pem"), of_trustme(), strict=True):
        Path("tls", name).write_bytes(data)
    before = content(Path("tls"))
    server_files(Settings(tls=True))
    assert content(Path("tls")) == before


def test_another_host_gets_another_certificate():
    """A host that the certificate lacks is a reason to make it anew; the host of before is not served then."""
    server_files(Settings(tls=True, host="one.example"))
    before = content(Path("tls"))
    files = server_files(Settings(tls=True, host="two.example"))
    assert {name for name in before if content(Path("tls"))[name] == before[name]} == set()
    assert "two.example" in names_in(files.certificate)


def test_a_start_that_was_killed_leaves_nothing_in_the_way():
    """A half-written temporary file, even one that all may read, is replaced, and the key is for the owner alone."""
    Path("tls").mkdir()
    Path("tls/.server.pem.new").write_bytes(b"half")
    files = server_files(Settings(tls=True))
    assert content(Path("tls")).keys() == {"ca.pem", "server.pem"}
    assert files.key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
def test_what_others_made_is_not_replaced(tmp_path, name):
    """A folder with somebody's certificates in it is refused, and they are still there."""
    Path("tls").mkdir()
    Path("tls", name).write_bytes(trustme.CA(organization_name="Somebody").cert_pem.bytes())
    before = content(Path("tls"))
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(tls=True))
    assert str(refused.value) == (
        f"{tmp_path}/tls/{name} is a certificate that the stand-in did not make; "
        f"expected in standin.tls_folder a folder of its own, {INSTEAD}"
    )
    assert content(Path("tls")) == before


@pytest.mark.parametrize(
    ("folder", "reason"), [("file", "File exists"), ("file/below", "Not a directory"), ("/proc/tls", "No such file")]
)
def test_a_folder_that_cannot_be_written(tmp_path, folder, reason):
    """The sentence names the folder, the system's reason and the ways out."""
    Path("file").write_bytes(b"")
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(tls=True, tls_folder=folder))
    sentence = str(refused.value)
    assert sentence.startswith(f"{tmp_path / folder} cannot keep a certificate ({reason}")
    assert sentence.endswith(f"); expected in standin.tls_folder a folder that may be written, {INSTEAD}")
    assert content(tmp_path) == {"file": b""}


def test_starts_at_the_same_time_serve_the_same(tmp_path):
    """One of them makes the files, the others wait for it and find them."""
    code = (
        "import sys; from app.tls import server_files; from app.settings import Settings; sys.stdin.read(1);"
        "sys.stdout.buffer.write(server_files(Settings(tls=True)).certificate.read_bytes())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    starts = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    with ThreadPoolExecutor(len(starts)) as pool:
        served = [output for output, _ in pool.map(lambda start: start.communicate(b"x"), starts)]
    settings = Settings(tls=True)
    kept = content(tmp_path / "tls")
    assert served == [kept["server.pem"]] * 4
    assert negotiated(server_files(settings), kept["ca.pem"], "localhost") == "TLSv1.3"


# The authority for whoever asks.


def test_the_authority_is_told():
    """It is the PEM file that the start made."""
    settings = Settings(tls=True)
    server_files(settings)
    assert certificate_authority(settings) == Path("tls/ca.pem").read_bytes()


@pytest.mark.parametrize(
    "settings", [{}, {"tls_certificate": "a", "tls_key": "b"}, {"tls": True, "tls_folder": "another"}]
)
def test_there_is_no_authority(settings):
    """Without TLS, with own files and before anything was made there is none to trust, and none is made up."""
    server_files(Settings(tls=True))
    before = content(Path("tls"))
    assert certificate_authority(Settings(**settings)) is None
    assert (content(Path("tls")), Path("another").exists()) == (before, False)


# Files of one's own.


def own_files(folder: Path, authority: trustme.CA) -> dict[str, str]:
    """Write a chain and its key; return the settings for them."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "chain.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return {"tls_certificate": "chain.pem", "tls_key": "key.pem"}


def test_own_files_are_served(tmp_path):
    """They are served where they are, intermediate certificates included, and nothing is made."""
    authority = trustme.CA()
    settings = Settings(**own_files(tmp_path, authority.create_child_ca()))
    files = server_files(settings)
    assert files == ServerFiles(tmp_path / "chain.pem", tmp_path / "key.pem")
    assert negotiated(files, authority.cert_pem.bytes(), "localhost") == "TLSv1.3"
    assert content(tmp_path).keys() == {"chain.pem", "key.pem"}


def test_one_file_may_hold_both(tmp_path):
    """What the stand-in itself keeps, and what others call a combined PEM file, is taken for both."""
    server_files(Settings(tls=True))
    files = server_files(Settings(tls_certificate="tls/server.pem", tls_key="tls/server.pem"))
    assert files == ServerFiles(tmp_path / "tls/server.pem", tmp_path / "tls/server.pem")


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_own_files_come_in_pairs(tmp_path, given):
    """One alone is refused, also beside tls = true, where it would be ignored otherwise."""
    own = own_files(tmp_path, trustme.CA())
    missing = ({"tls_certificate", "tls_key"} - {given}).pop()
    for more in ({}, {"tls": True}):
        with pytest.raises(StartRefused) as refused:
            server_files(Settings(**{given: own[given]}, **more))
        assert str(refused.value) == (f"standin.{given} is set without standin.{missing}; expected both, or neither.")
    assert content(tmp_path).keys() == {"chain.pem", "key.pem"}


@pytest.fixture
def own(tmp_path):
    """Return settings with own files that are in order."""
    return own_files(tmp_path, trustme.CA())


MISSING = "cannot be read: no such file or directory; expected"
CHAIN, KEY = "certificates, in PEM.", "a key without a passphrase, in PEM."


@pytest.mark.parametrize(
    ("name", "made_of", "sentence"),
    [
        ("chain.pem", None, f"(standin.tls_certificate) {MISSING} {CHAIN}"),
        ("chain.pem", lambda _key, _chain: b"", f"(standin.tls_certificate) must hold {CHAIN}"),
        ("chain.pem", lambda key, _chain: key, f"(standin.tls_certificate) must hold {CHAIN}"),
        ("chain.pem", lambda _key, chain: chain[:-40], f"(standin.tls_certificate) must hold {CHAIN}"),
        ("key.pem", None, f"(standin.tls_key) {MISSING} {KEY}"),
        ("key.pem", lambda _key, chain: chain, f"(standin.tls_key) must hold {KEY}"),
        ("key.pem", lambda _key, _chain: b"\xff\x00", f"(standin.tls_key) must hold {KEY}"),
        ("key.pem", lambda key, chain: with_a_passphrase(key + chain), f"(standin.tls_key) must hold {KEY}"),
    ],
)
def test_an_own_file_that_is_not_what_it_should_be(tmp_path, own, name, made_of, sentence):
    """The sentence names the file, the setting and what was expected; nobody is asked for a passphrase."""
    key, chain = ((tmp_path / part).read_bytes() for part in ("key.pem", "chain.pem"))
    (tmp_path / name).unlink()
    if made_of is not None:
        (tmp_path / name).write_bytes(made_of(key, chain))
    before = content(tmp_path)
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(**own))
    assert str(refused.value) == f"{tmp_path / name} {sentence}"
    assert content(tmp_path) == before


def test_a_key_of_another_certificate(tmp_path, own):
    """Certificate and key belong together; the first certificate of the chain counts."""
    trustme.CA().private_key_pem.write_to_path(tmp_path / "key.pem")
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(**own))
    assert str(refused.value) == (
        f"{tmp_path}/key.pem (standin.tls_key) is not the key of the first certificate in {tmp_path}/chain.pem."
    )


def test_a_key_that_openssl_finds_too_weak(tmp_path):
    """What cannot be served is told at the start, not at the first connection."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    (tmp_path / "weak.pem").write_bytes(nameless(weak)[1])
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(tls_certificate="weak.pem", tls_key="weak.pem"))
    assert str(refused.value) == (
        f"{tmp_path}/weak.pem (standin.tls_certificate) cannot be served: ee key too small; "
        "expected a certificate and a key that OpenSSL accepts."
    )


# On the wire.

VERSION = (
    b'{"git_branch":"main","git_commit":"1fd2b61","git_dirty":"false","result_code":"0","result_msg":"success",'
    b'"rustc_version":"rustc 1.95.0 (59807616e 2026-04-14)","source_ts":"2026-04-21T15:02:11Z","tms_version":"0.3.0"}'
)
TYPED = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A real server process over https, with the defects of 0.3.0."""
    with running(tmp_path_factory.mktemp("tls"), tls=True, quirks="real", **STANDARD) as server:
        yield server


@contextmanager
def connected(server: Server, **options: ssl.TLSVersion) -> Iterator[http.client.HTTPSConnection]:
    """Connect as a client that trusts the server's authority alone."""
    trusting = ssl.create_default_context(cafile=server.authority)
    for name, value in options.items():
        setattr(trusting, name, value)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS, context=trusting)
    with closing(connection):
        yield connection


def test_the_tms_half_over_https(secure):
    """An endpoint, a path that is none, an endpoint that takes a body and a page, on one connection."""
    with connected(secure) as connection:
        answers = []
        for method, path, body in (
            ("GET", "/v1/tms/version", None),
            ("GET", "/nothing", None),
            ("HEAD", "/v1/tms/version", None),
            ("POST", "/v1/tms/pubkeys/creds/retrieve", '{"user":"u","host":"h","public_key_fingerprint":"f"}'),
        ):
            connection.request(method, path, body, TYPED if body else {})
            answer = connection.getresponse()
            names = [name for name, _ in answer.getheaders()]
            answers.append((answer.status, answer.headers["content-type"], names, answer.read()))
        connection.request("GET", "/")
        assert b"swagger" in connection.getresponse().read()
    whole, to_head = ["content-type", "content-length", "date"], ["content-type", "date"]
    assert answers == [
        (200, JSON, whole, VERSION),
        (404, TEXT, whole, b"not found"),
        (200, JSON, to_head, b""),
        (404, JSON, whole, b'{"result_code":"404","result_msg":"NOT_FOUND"}'),
    ]


def test_a_key_pair_over_https(secure):
    """A write, committed and answered."""
    body = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1"}
    body |= {"num_uses": -1, "ttl_minutes": -1, "key_type": "ed25519"}
    headers = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1"}
    with connected(secure) as connection:
        connection.request("POST", "/v1/tms/pubkeys/creds", json.dumps(body), headers | TYPED)
        made = json.loads(connection.getresponse().read())
        asked = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1"}
        asked |= {"public_key_fingerprint": made["public_key_fingerprint"], "key_type": "ed25519"}
        connection.request("POST", "/v1/tms/pubkeys/creds/retrieve", json.dumps(asked), TYPED)
        found = json.loads(connection.getresponse().read())
    assert found == {"public_key": made["public_key"], "result_code": "0", "result_msg": "success"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_d2_closes_the_connection_over_https(secure, method):
    """Not even a status line comes, and other connections go on."""
    with connected(secure) as other, connected(secure) as connection:
        for _ in range(2):
            other.request("GET", "/v1/tms/hello")
            assert other.getresponse().read() == b"hello!"
            connection.request(method, "/v1/tms/client/list", headers=ADMIN)
            with pytest.raises(http.client.RemoteDisconnected):
                connection.getresponse()


def test_d2_ends_tls_in_order(secure):
    """The end is told by TLS itself, so that a client can tell it from an attacker's cut."""
    trusting = ssl.create_default_context(cafile=secure.authority)
    request = request_of("GET", "/v1/tms/client/list", *(f"{name}: {value}" for name, value in ADMIN.items()))
    with (
        socket.create_connection(("127.0.0.1", secure.port), PATIENCE_SECONDS) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as connection,
    ):
        connection.sendall(request)
        assert connection.recv(1) == b""


@contextmanager
def resting(server: Server) -> Iterator[ssl.SSLSocket]:
    """Connect as a client that reads only when it expects an answer: TLS's goodbye it does not notice."""
    trusting = ssl.create_default_context(cafile=server.authority)
    with (
        socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def wait_until_refused(server: Server) -> None:
    """Return when the server takes no connection any more: all that are there have been told."""
    with pytest.raises(ConnectionError):
        while True:
            socket.create_connection(("127.0.0.1", server.port)).close()
            time.sleep(0.01)  # So many at once would fill the server's queue, where the system then drops one.


def test_clients_that_rest_are_not_waited_for_at_the_end(tmp_path):
    """One is idle and one gets its last answer while the server stops; neither answers the goodbye, and all is in order."""
    with running(tmp_path, tls=True) as server, resting(server) as idle, resting(server) as busy:
        busy.sendall(RETRIEVE[:-1])
        idle.sendall(request_of("GET", "/v1/tms/version"))
        assert idle.recv(12) == b"HTTP/1.1 200"
        server.process.terminate()
        wait_until_refused(server)
        busy.sendall(RETRIEVE[-1:])
        assert busy.recv(12) == b"HTTP/1.1 404"
        status = server.process.wait(PATIENCE_SECONDS)
    assert (status, "ERROR" in server.log()) == (0, False)


def test_a_handshake_that_ends_too_late(tmp_path):
    """Whoever is let in while the server stops is turned away, and not waited for."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        running(tmp_path, tls=True) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as late,
    ):
        server.process.terminate()
        wait_until_refused(server)
        with (
            pytest.raises(OSError, match=r"reset|EOF|end of file"),
            trusting.wrap_socket(late, suppress_ragged_eofs=False) as connection,
        ):
            connection.recv(1)
        status = server.process.wait(PATIENCE_SECONDS)
    assert (status, "ERROR" in server.log()) == (0, False)


def test_a_request_that_outlasts_the_server_over_https(tmp_path):
    """Its connection is closed without an answer, and nothing is left open."""
    with running(tmp_path, tls=True) as server, resting(server) as waiting:
        waiting.sendall(RETRIEVE[:-1])
        with connected(server) as other:
            other.request("GET", "/v1/tms/version")
            assert other.getresponse().status == 200
        server.process.terminate()
        status, rest = server.process.wait(PATIENCE_SECONDS), waiting.recv(1)
    assert (status, rest, "ERROR" in server.log()) == (0, b"", False)


def test_tls_1_2_is_spoken_with_ciphers_of_today(secure):
    """BCP 195: what is older than 1.2 is not spoken, and 1.2 with forward secrecy and authenticated encryption."""
    with connected(secure, maximum_version=ssl.TLSVersion.TLSv1_2) as connection:
        connection.connect()
        name, version, _ = connection.sock.cipher()
    assert (name, version) == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2")


def test_strangers_at_the_door(secure):
    """A client without TLS and one that does not trust us get nothing, nobody else notices, and the log stays calm."""
    with closing(http.client.HTTPConnection("127.0.0.1", secure.port, timeout=PATIENCE_SECONDS)) as plain:
        plain.request("GET", "/v1/tms/version")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            plain.getresponse()
    distrusting = ssl.create_default_context()
    connection = http.client.HTTPSConnection("127.0.0.1", secure.port, context=distrusting)
    with closing(connection), pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        connection.request("GET", "/v1/tms/version")
    with socket.create_connection(("127.0.0.1", secure.port)):
        pass
    with connected(secure) as connection:
        connection.request("GET", "/v1/tms/hello")
        assert connection.getresponse().read() == b"hello!"
    assert "Traceback" not in secure.log()


def test_the_banner_of_a_server_with_tls(secure):
    """It names the address and where the authority lies; the command that it shows works as it stands."""
    log = secure.log()
    assert f", at {secure.url}\n" in log
    assert f'\nexport TMS_URL="{secure.url}"\nexport SSL_CERT_FILE="{secure.authority}"\n' in log
    assert '\nexport CURL_CA_BUNDLE="$SSL_CERT_FILE"\n' in log
    lines = [line.strip() for line in log.splitlines()]
    assert (
        f"TLS                 certificate authority {secure.authority}, also at {secure.url}/_standin/ca.pem" in lines
    )
    assert f"curl --cacert {secure.authority} {secure.url}/v1/tms/version" in lines
    assert "OAuth over plain http" not in log


@pytest.mark.system("curl", "curl")
def test_curl_takes_what_the_banner_says(secure):
    """The line of the banner works, and so do the exported variables, without which curl refuses."""
    command = next(line for line in secure.log().splitlines() if "curl --cacert" in line)
    exports = "\n".join(line for line in secure.log().splitlines() if line.startswith("export "))
    asked = f"curl --silent {secure.url}/v1/tms/version"
    done = [
        subprocess.run(["sh", "-c", script], capture_output=True, check=False)
        for script in (f"{command} --silent", f"{exports}\n{asked}", asked)
    ]
    assert [(one.returncode, one.stdout) for one in done] == [(0, VERSION), (0, VERSION), (60, b"")]


def test_own_files_on_the_wire(tmp_path):
    """A client that trusts their authority is served, and no other one is made."""
    authority = trustme.CA()
    own = own_files(tmp_path, authority)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with running(tmp_path, **own) as server:
        assert server.authority is None
        with connected(replace(server, authority=tmp_path / "authority.pem")) as connection:
            connection.request("GET", "/v1/tms/version")
            assert connection.getresponse().read() == VERSION
        log = server.log()
    assert f"  TLS                 with the certificate {tmp_path}/chain.pem\n" in log
    assert "SSL_CERT_FILE" not in log
    assert not (tmp_path / "tls").exists()


def test_a_real_servers_http_addr_turns_tls_on(tmp_path):
    """A tms.toml of a real server with https serves https (contract 1.10), and a restart keeps the authority."""
    (tmp_path / "tms.toml").write_text('http_addr = "https://localhost"\n')
    authorities = []
    for _ in range(2):
        with running(tmp_path, http_addr="https://localhost") as server, connected(server) as connection:
            connection.request("GET", "/v1/tms/version")
            assert connection.getresponse().read() == VERSION
            authorities.append(server.authority.read_bytes())
    assert authorities[0] == authorities[1]


def by_make(_port: int) -> list[str]:
    """Return `make run TLS=1` with this interpreter and without a look at whether something is to be installed."""
    folder = f"BIN={Path(sys.executable).parent}"
    return ["make", "--directory", str(ROOT), "--old-file", ".venv/run.stamp", "run", "TLS=1", folder]


def test_make_run_with_tls(tmp_path):
    """`make run TLS=1` serves https."""
    off = {"TMS_STANDIN_TLS": "false"}
    started = running(tmp_path, by_make, off, tls=True, tls_folder=tmp_path / "tls")
    with started as server, connected(server) as connection:
        connection.request("GET", "/v1/tms/version")
        assert connection.getresponse().read() == VERSION


def test_uvicorn_with_the_files_that_were_made(tmp_path, secure):
    """`uvicorn app.main:app --ssl-certfile` serves what an earlier start made, and the banner tells it."""
    certificate = secure.authority.with_name("server.pem")

    def by_uvicorn_with_tls(port: int) -> list[str]:
        return [*by_uvicorn(port), "--ssl-certfile", str(certificate)]

    with running(tmp_path, by_uvicorn_with_tls, tls=True, tls_folder=certificate.parent) as server:
        with connected(server) as connection:
            connection.request("GET", "/v1/tms/version")
            assert connection.getresponse().read() == VERSION
        log = server.log()
    assert f", at {server.url}\n" in log
    assert f"  TLS                 with the certificate {certificate}\n" in log


@pytest.mark.parametrize("settings", [{"tls_key": "key.pem"}, {"tls": True, "tls_folder": "tms.toml"}])
def test_a_start_that_is_refused(tmp_path, settings):
    """The sentence ends it with status 2, and no database is made."""
    (tmp_path / "tms.toml").write_text("")
    with pytest.raises(StartError) as failed, running(tmp_path, **settings):
        pass
    with pytest.raises(StartRefused) as refused:
        server_files(Settings(**settings))
    assert (failed.value.status, failed.value.text) == (2, f"{refused.value}\n")
    assert not (tmp_path / "tms.db").exists()
