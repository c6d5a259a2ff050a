"""What the control plane reads and the journal keeps: fault rules, SSH keys, redaction, bodies, archives."""

import base64
import hashlib
import json
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import TypeAdapter, ValidationError

from app.control.faults import Wish
from app.control.problems import Refused
from app.faults.checks import mistakes
from app.faults.document import RuleSet
from app.faults.request import _of_form
from app.journal.bodies import LARGEST, Kept, answer_body, is_opaque, request_body
from app.journal.har import archive
from app.journal.near_misses import Seen
from app.journal.redaction import HIDDEN, Redaction
from app.keys import fingerprint_of
from app.seed_records import Pubkey
from app.steering.operations import OperationNames
from app.tms import OPERATIONS

from . import goldens
from .target import Target

_OF_KEYS = ("app.keys", "app.seed_records")
_OF_JOURNAL = ("app.journal.redaction", "app.journal.bodies", "app.journal.har")
_SECRET = "Xq9-kept.secret_7"
_MARK = "$"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM8JKo54PawufjgT3hr2Y5bpbT38LXglKJBMDABCuLRx"
_P256 = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW"
    "T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU="
)
_OF_KEY = dict.fromkeys(("tenant", "client_id", "client_user_id", "host", "host_account"), "x")
_FORM = "application/x-www-form-urlencoded"
_names = OperationNames(OPERATIONS)
_wish: TypeAdapter[Any] = TypeAdapter(Wish)


def faults(data: bytes) -> None:
    """A document is taken, or refused with the members that are wrong; what is taken can be written down again."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        wish = _wish.validate_python(value)
    except Refused as refused:
        assert refused.problem.status == 422
        json.dumps(refused.problem.model_dump())
        return
    except ValidationError as error:
        assert error.error_count()
        return
    if isinstance(wish, RuleSet):
        assert all(place and why for place, why in mistakes(wish.rules, _names))
    document = wish.model_dump(exclude_unset=True)
    again = _wish.validate_python(msgspec.json.decode(msgspec.json.encode(document)))
    assert again == wish, f"{again!r} is not {wish!r}"


def public_key(data: bytes) -> None:
    """A key has the fingerprint that the contract gives it (1.9); every other text is refused."""
    text = data.decode("utf-8", "ignore")
    try:
        told = Pubkey(public_key=text, **_OF_KEY)
    except ValidationError:
        _refused_fingerprint(text)
        return
    load_ssh_public_key(text.encode())
    assert told.public_key_fingerprint == _fingerprint(text)
    assert told.key_type in ("ed25519", "rsa", "ecdsa")


def _refused_fingerprint(text: str) -> None:
    try:
        assert fingerprint_of(text) == _fingerprint(text)
    except ValueError:
        return


def _fingerprint(text: str) -> str:
    blob = base64.b64decode(text.split()[1], validate=True)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def redaction(data: bytes) -> None:
    """A secret that was named once stands nowhere in what is shown, wherever a caller repeats it."""
    # Glued to other letters it would be another word.
    text = data.decode("latin-1").replace(_SECRET, "").replace(_MARK, f"({_SECRET})")[:LARGEST]
    shown = [
        Redaction().form(f"client_secret={_SECRET}&{text}&x={text}"),
        _shown_document({"client_secret": _SECRET, "other": [text, {text: text}]}),
        _shown_headers(text),
    ]
    for each in shown:
        assert _SECRET not in each, f"{each!r} shows it"
    assert HIDDEN in shown[0]


def _shown_document(value: dict[str, Any]) -> str:
    hidden = Redaction()
    found = hidden.document(value)
    return msgspec.json.encode([found["client_secret"], found["other"][0], *found["other"][1].values()]).decode()


def _shown_headers(text: str) -> str:
    hidden = Redaction()
    basic = base64.b64encode(f"id:{_SECRET}".encode())
    raw = [
        (b"authorization", b"Basic " + basic),
        (b"x-other", text.encode("latin-1")),
        (b"location", text.encode("latin-1")),
    ]
    return repr(hidden.headers(raw)) + hidden.address(text) + hidden.unquoted(text)


def journal(data: bytes) -> None:
    """Any bodies, of any type, become an entry that is JSON, and an archive of it."""
    kind, _, content = data.partition(b"\n")
    asked, answered = Kept(), Kept()
    asked.add(content)
    answered.add(content)
    hidden, media = Redaction(), kind.decode("latin-1")
    Seen({"headers": [(b"content-type", kind)]}, 400, asked, answered).fields()
    body = request_body(asked, media, hidden)
    _of_form(content)
    other = answer_body(answered, media, hidden, request_is_opaque=is_opaque(body))
    headers = hidden.headers([(b"content-type", kind), (b"content-length", b"%d" % len(content))])
    address = hidden.address(data.decode("latin-1"))
    entry = {"at": "", "operation": "x", "method": "GET", "path": address, "status": 200, "took_ms": 1.0}
    entry |= {"request": {"headers": headers, "body": body}, "response": {"headers": headers, "body": other}}
    kept = msgspec.json.decode(msgspec.json.encode(entry))
    msgspec.json.encode(archive([kept], "http://127.0.0.1"))


def targets() -> list[Target]:
    """Return them."""
    rules = (
        b'{"seed": 1, "rules": [{"operation": "get_client", "count": 9, "every": 3, "do": {"status": 503, "body": "x"}}]}',
        b'{"rules": [{"do": {"delay": {"log_normal": {"median_ms": 20, "p99_ms": 400}}}}, {"do": {"hang": true}}]}',
        b'{"scenario": "hang-0.1.0"}',
        b'{"rules": [{"probability": 0.5, "do": {"delay_ms": 1}}, {"do": {"cut_after_bytes": 1}, "client_id": "x"}]}',
    )
    members = (
        b'"do": {',
        b'"close": true',
        b'"uniform": {"from_ms": 1, "to_ms": 2}',
        b"null",
        b"[]",
        b"1e308",
        b"true",
        b"{}",
    )
    forms = (b"a=b&password=x&$", b"{}", b"token=$;$", b"?code=$&x#y", b'"$" `$`', b"-----BEGIN PRIVATE KEY-----")
    marks = (
        b"$",
        b"&",
        b"=",
        b"?",
        b"#",
        b"eyJ",
        b".",
        b"-----BEGIN ",
        b"PRIVATE KEY-----",
        b"/device/simulator/",
        b"%24",
    )
    kinds = (f"{_FORM}\na=b&client_secret=x".encode(), b'application/json\n{"a": "b?c=d"}', b'text/plain\n"x"')
    keys = (_KEY.encode(), _P256.encode(), f"{_KEY} comment".encode())
    return [
        Target(
            "fault rules", faults, rules, members, ("app.faults.document", "app.faults.checks", "app.faults.refusals")
        ),
        Target(
            "SSH public keys",
            public_key,
            keys,
            (b" ", b"AAAA", b"=", b"ssh-rsa ", b"ssh-ed25519 ", b"AAAAB3NzaC1yc2E"),
            _OF_KEYS,
        ),
        Target("redaction", redaction, (*forms, *goldens.bodies()[:20]), marks, _OF_JOURNAL),
        Target(
            "journal",
            journal,
            kinds,
            (*marks, b"application/json\n", b"[", b"{", b'":', b'"', b"password="),
            _OF_JOURNAL,
        ),
    ]
