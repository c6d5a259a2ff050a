"""The readers of files: seeds, tms.toml and the environment, snapshots. What they refuse is StartRefused, in one line."""

import atexit
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine

from app.errors import StartRefused
from app.seed import plant
from app.settings import Settings, settings_table
from app.sqlite.database import MEMORY, engine_over, open_sqlite
from app.sqlite.image import FileImage, SeedImage, check_whole, restore, save
from app.tables import metadata

from .target import Target

_OF_SEEDS = ("app.seed", "app.seed_records", "app.keys", "app.version_requirement")
_OF_SETTINGS = ("app.settings", "app.settings_reading", "app.settings_tables")
_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_SEED = b"""[[tenants]]
tenant = "t"
admin_secret = "s"
[[clients]]
tenant = "t"
app_name = "a"
app_version = "1.0"
client_id = "c"
client_secret = "s"
[[user_mfa]]
tenant = "t"
tms_user_id = "u"
expires_at = 2030-01-01T00:00:00Z
[[user_hosts]]
tenant = "t"
tms_user_id = "u"
host = "h"
host_account = "a"
[[delegations]]
tenant = "t"
client_id = "c"
client_user_id = "u"
[[pubkeys]]
tenant = "t"
client_id = "c"
client_user_id = "u"
host = "h"
host_account = "a"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM8JKo54PawufjgT3hr2Y5bpbT38LXglKJBMDABCuLRx"
max_uses = 3
[[hosts]]
tenant = "t"
host = "h"
addr = "1.2.3.4"
"""
_OAUTH = b"""[[oauth.clients]]
client_id = "c"
client_secret = "s"
scopes = ["openid"]
grant_types = ["authorization_code"]
redirect_uris = ["http://localhost/cb"]
script = ["pending*3", "slow_down", "approve"]
[[oauth.users]]
username = "u"
password = "p"
"""
_SETTINGS = (Path(__file__).parents[3] / "tms.toml").read_bytes()
_TOML = (
    *(b"[[", b"]]", b"[", b"]", b"=", b'"', b"'", b"'''", b'"""', b"\n", b"#", b".", b"{", b"}", b",", b"0x", b"true"),
    *(
        b"0x" + b"f" * 4000,
        b"1e400",
        b"nan",
        b"-1",
        b"9" * 30,
        b"0001-01-01T00:00:00+23:59",
        b"\\u0000",
        b"\xff",
        b"[]",
    ),
    *(b"tenant = ", b"script = ", b"[oauth]\n", b"[standin]\n", b"[tapis]\n", b"seed = ", b"[[oauth.clients]]\n"),
)


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="tms-standin-fuzz-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def _one_line(refused: StartRefused) -> None:
    """A refusal is one sentence for a terminal."""
    text = str(refused)
    assert text.endswith("."), text
    text.encode()


@cache
def _engine() -> Engine:
    connection = open_sqlite(MEMORY)
    atexit.register(connection.close)
    engine = engine_over(connection)
    with engine.begin() as begun:
        metadata.create_all(begun)
    return engine


def seed(data: bytes) -> None:
    """A seed is planted whole, or refused before its first row."""
    path = _file("seed.toml", data)
    with _engine().connect() as begun:
        try:
            plant(begun, str(path), "adminsecret1", _NOW, whole_seconds=False)
        except StartRefused as refused:
            _one_line(refused)
            assert _is_empty(begun), "rows of a seed that is refused are stored"
        begun.rollback()


def _is_empty(begun: Connection) -> bool:
    return not any(begun.execute(table.select().limit(1)).all() for table in metadata.tables.values())


def settings(data: bytes) -> None:
    """A tms.toml gives settings, or is refused."""
    path = _file("tms.toml", data)
    try:
        found = Settings.load({"TMS_STANDIN_CONFIG": str(path)}, _folder())
    except StartRefused as refused:
        _one_line(refused)
        return
    assert [found.origin_of(setting.name) for setting in settings_table()]
    repr(found)


def environment(data: bytes) -> None:
    """Variables, one in a line, give settings, or are refused."""
    lines = data.replace(b"\0", b"").decode("utf-8", "surrogateescape").split("\n")
    pairs = [line.partition("=") for line in lines if line]
    given = {f"TMS_STANDIN_{name}": value for name, _, value in pairs if name and name != "CONFIG"}
    try:
        repr(Settings.load(given, _folder() / "none"))
    except StartRefused as refused:
        assert str(refused).endswith("."), str(refused)


@cache
def _snapshot() -> bytes:
    image = SeedImage(lambda begun: plant(begun, "standard", "adminsecret1", _NOW, whole_seconds=False))
    path = _folder() / "real.sqlite"
    with closing(open_sqlite(MEMORY)) as connection:
        restore(connection, image.of(_NOW))
        connection.execute("VACUUM")
        save(connection, path, _NOW)
    image.close()
    return path.read_bytes()


def snapshot(data: bytes) -> None:
    """A file is restored or refused: bytes of it, laid over a real one from the place that the first two tell."""
    whole = bytearray(_snapshot())
    start = int.from_bytes(data[:2], "big") * 16 % len(whole)
    whole[start : start + len(data) - 2] = data[2:]
    path = _file("upload.sqlite", bytes(whole) if len(data) > 2 else data)
    try:
        check_whole(path)
    except StartRefused as refused:
        assert str(refused)
        return
    with closing(open_sqlite(MEMORY)) as connection:
        restore(connection, FileImage(path))


def targets() -> list[Target]:
    """Return them."""
    names = tuple(f"{each.environment.removeprefix('TMS_STANDIN_')}=".encode() for each in settings_table())
    variables = (b"HTTP_PORT=1\nOAUTH__CLIENTS=[]", b'SERVER_URLS=["a"]\nSTRICT=true', b"RANDOM_SEED=1\nQUIRKS=real")
    values = (b"true", b"[]", b"[{}]", b"{}", b"null", b"1e9", b"9" * 5000, b"\n", b"[" * 2000, b'"', b"\xff")
    pages = (
        b"\0\0SQLite format 3\0",
        b"\0\1\x10\0\1\1\0\x40\x20\x20",
        b"\x01\x00\x0d\0\0\0\1",
        b"\0\6\0\0\0\5tms_0006",
    )
    return [
        Target("seed files", seed, (_SEED, _OAUTH, _SEED + _OAUTH), _TOML, _OF_SEEDS, linear=False),
        Target(
            "tms.toml",
            settings,
            (_SETTINGS, b"[standin]\nseed = 'empty'\n" + _OAUTH),
            _TOML,
            _OF_SETTINGS,
            linear=False,
        ),
        Target("environment", environment, variables, (*names, *values), _OF_SETTINGS, linear=False),
        Target(
            "snapshots",
            snapshot,
            pages,
            (b"\0", b"\xff\xff", b"CREATE TABLE", b"alembic_version"),
            ("app.sqlite.image",),
            linear=False,
        ),
    ]
