"""The settings: where they come from, which one holds, and the sentence that each mistake gets."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import StartRefused
from app.settings import OAuth, OAuthClient, OAuthIssuer, OAuthUser, Setting, Settings, Tapis, settings_table
from app.settings_tables import TapisClient, TapisTenant

REPOSITORY = Path(__file__).parent.parent
STEP = 'a step such as "pending", "pending*3", "slow_down", "deny", "expire", "approve USER"'
REAL_SERVERS_OWN = """
title = "TMS Server"
http_addr = "https://localhost"
http_port = 3000
enable_mvp = false
enable_test_tenant = false
new_clients = "allow"
server_urls = ["https://localhost:3000/v1"]
"""


def written(directory: Path, text: str | bytes, name: str = "tms.toml") -> Path:
    """Write a file below `directory` and return its path."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(directory: Path, environment: dict[str, str]) -> str:
    """Return the sentence with which the settings are refused."""
    with pytest.raises(StartRefused) as refusal:
        Settings.load(environment, directory)
    return str(refusal.value)


def test_the_defaults():
    """Without any argument every setting has the default of the design."""
    assert Settings().model_dump() == {
        "title": "TMS Server",
        "http_addr": "http://localhost",
        "http_port": 3000,
        "enable_mvp": True,
        "enable_test_tenant": True,
        "new_clients": "allow",
        "server_urls": ("http://localhost:3000/v1",),
        "database": "sqlite:///tms.db",
        "wire_version": "0.3.0",
        "quirks": "intended",
        "strict": False,
        "admin_secret": "adminsecret1",
        "seed": "standard",
        "host": "127.0.0.1",
        "tls": False,
        "tls_certificate": None,
        "tls_key": None,
        "tls_folder": "tls",
        "log_format": "text",
        "random_seed": None,
        "control_token": None,
        "oauth": {
            "interval": 5,
            "device_code_ttl": 600,
            "access_token_ttl": 3600,
            "refresh_token_ttl": 2_592_000,
            "rotate_refresh_tokens": True,
            "json_bodies": False,
            "auto_approve": None,
            "auto_approve_polls": 0,
            "wrong_codes": 5,
            "wrong_secrets": 20,
            "issuer": None,
            "clients": (),
            "users": (),
            "issuers": (),
        },
        "tapis": {"tenant": "dev", "race": False, "tenants": ()},
    }


def test_the_shipped_file_writes_the_defaults_down():
    """The tms.toml of the repository changes nothing, and names every setting that has a default."""
    shipped = Settings.load({}, REPOSITORY)
    assert shipped.model_dump() == Settings().model_dump()
    without_default = {
        "tls_certificate",
        "tls_key",
        "random_seed",
        "control_token",
        "oauth.auto_approve",
        "oauth.issuer",
        "oauth.clients",
        "oauth.users",
        "oauth.issuers",
        "tapis.tenants",
    }
    origins = {setting.name: shipped.origin_of(setting.name) for setting in settings_table()}
    assert {name for name, origin in origins.items() if origin == "default"} == without_default


def test_what_the_shipped_file_shows_in_comments_can_be_switched_on(tmp_path):
    """Every commented-out key of the shipped tms.toml is one that the stand-in takes."""
    shipped = (REPOSITORY / "tms.toml").read_text()
    written(tmp_path, re.sub(r"^# (?=\[\[|\w+ = )", "", shipped, flags=re.MULTILINE))
    settings = Settings.load({}, tmp_path)
    assert "default" not in {settings.origin_of(setting.name) for setting in settings_table()}
    assert (
        settings.model_dump()
        == Settings(
            tls_certificate="chain.pem",
            tls_key="key.pem",
            random_seed=1,
            control_token="choose-one",
            oauth=OAuth(
                auto_approve="testuser1",
                issuer="http://localhost:3000",
                clients=(
                    OAuthClient(
                        client_id="my-cli", client_secret="s3cret", scopes=("openid", "profile", "offline_access")
                    ),
                ),
                users=(OAuthUser(username="alice", password="secret"),),
                issuers=(OAuthIssuer(name="a", script=("pending", "slow_down", "pending", "approve testuser1")),),
            ),
            tapis=Tapis(
                tenants=(
                    TapisTenant(
                        tenant_id="tacc",
                        hosts=("tacc.localhost",),
                        clients=(TapisClient(client_id="tapis_cli", client_key="s3cret"),),
                        users=(OAuthUser(username="alice", password="secret"),),
                    ),
                )
            ),
        ).model_dump()
    )


def test_arguments_ignore_file_and_environment(tmp_path, monkeypatch):
    """Settings made in a test see neither the process's environment nor a file beside it."""
    written(tmp_path, "http_port = 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMS_STANDIN_HTTP_PORT", "2")
    settings = Settings(enable_mvp=False, database="sqlite://")
    assert (settings.http_port, settings.enable_mvp, settings.database) == (3000, False, "sqlite://")
    assert (settings.file_read, settings.files_missing) == (None, ())


def test_load_reads_the_process_by_itself(tmp_path, monkeypatch):
    """Without arguments load takes the process's environment and current directory."""
    path = written(tmp_path, 'title = "from the file"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TMS_ROOT_DIR", raising=False)
    monkeypatch.setenv("TMS_STANDIN_HTTP_PORT", "2")
    settings = Settings.load()
    assert (settings.title, settings.http_port, settings.file_read) == ("from the file", 2, path)


def test_a_setting_cannot_be_changed():
    """Settings and their tables are frozen."""
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.strict = True
    with pytest.raises(ValidationError):
        settings.oauth.interval = 1
    assert settings == Settings()


def test_secrets_are_not_in_the_representation():
    """A log line with the settings in it gives no secret away."""
    oauth = OAuth(
        clients=(OAuthClient(client_id="a", client_secret="hush1"),), users=(OAuthUser(username="b", password="hush2"),)
    )
    settings = Settings(
        admin_secret="hush3", control_token="hush4", database="postgresql://u:hush5@host/tms", oauth=oauth
    )
    assert "hush" not in repr(settings)
    with pytest.raises(ValidationError) as error:
        Settings(control_token="hush hush")
    assert "hush" not in str(error.value)


def test_environment_holds_over_file_over_default(tmp_path):
    """Each setting has the value of the first source that gives one, and says which that was."""
    path = written(
        tmp_path,
        'http_port = 4000\nenable_mvp = false\n[standin]\nquirks = "real"\nstrict = true\n'
        "[oauth]\ninterval = 1\ndevice_code_ttl = 60\n",
    )
    settings = Settings.load(
        {"TMS_STANDIN_HTTP_PORT": "5000", "TMS_STANDIN_STRICT": "no", "TMS_STANDIN_OAUTH__INTERVAL": "2"}, tmp_path
    )
    names = ("http_port", "enable_mvp", "quirks", "strict", "title", "oauth.interval", "oauth.device_code_ttl")
    assert (settings.http_port, settings.enable_mvp, settings.quirks, settings.strict) == (5000, False, "real", False)
    assert settings.oauth == OAuth(interval=2, device_code_ttl=60)
    assert [settings.origin_of(name) for name in names] == [
        "environment TMS_STANDIN_HTTP_PORT",
        "file",
        "file",
        "environment TMS_STANDIN_STRICT",
        "default",
        "environment TMS_STANDIN_OAUTH__INTERVAL",
        "file",
    ]
    assert settings.file_read == path


def test_an_origin_is_asked_by_a_known_name():
    """A name that is no setting has no origin."""
    with pytest.raises(KeyError):
        Settings().origin_of("oauth")


def test_the_environment_gives_every_kind_of_value(tmp_path):
    """Numbers, booleans, words, lists and nested tables come out of the environment with their types."""
    settings = Settings.load(
        {
            "TMS_STANDIN_TITLE": "5",
            "TMS_STANDIN_ENABLE_TEST_TENANT": "false",
            "TMS_STANDIN_SERVER_URLS": '["http://a", "http://b"]',
            "TMS_STANDIN_DATABASE": "postgresql://u:p@host:5432/tms",
            "TMS_STANDIN_RANDOM_SEED": "7",
            "TMS_STANDIN_CONTROL_TOKEN": "1234",
            "TMS_STANDIN_OAUTH__ISSUER": "http://issuer",
            "TMS_STANDIN_OAUTH__CLIENTS": '[{"client_id": "a"}]',
            "TMS_STANDIN_TAPIS__RACE": "on",
            "TMS_OTHER": "is none of ours",
        },
        tmp_path,
    )
    assert (
        settings.model_dump()
        == Settings(
            title="5",
            enable_test_tenant=False,
            server_urls=("http://a", "http://b"),
            database="postgresql://u:p@host:5432/tms",
            random_seed=7,
            control_token="1234",
            oauth=OAuth(issuer="http://issuer", clients=(OAuthClient(client_id="a"),)),
            tapis=Tapis(race=True),
        ).model_dump()
    )


@pytest.mark.parametrize(
    ("settings", "serves_tls"),
    [
        ({}, False),
        ({"tls": True}, True),
        ({"http_addr": "https://localhost"}, True),
        ({"http_addr": "https"}, True),
        ({"http_addr": "http://https"}, False),
        ({"tls_certificate": "chain.pem"}, True),
        ({"tls_key": "key.pem"}, True),
        ({"tls_folder": "elsewhere"}, False),
    ],
)
def test_what_turns_tls_on(settings, serves_tls):
    """The switch, the real server's prefix (contract 1.10), and files of one's own, which nobody names for nothing."""
    assert Settings(**settings).serves_tls is serves_tls


def test_a_real_servers_file_works_unchanged(tmp_path):
    """The seven keys stand at the top level with the real server's names and values."""
    path = written(tmp_path, REAL_SERVERS_OWN, "root/config/tms.toml")
    settings = Settings.load({"TMS_ROOT_DIR": str(tmp_path / "root")}, tmp_path)
    assert (
        settings.model_dump()
        == Settings(
            http_addr="https://localhost",
            enable_mvp=False,
            enable_test_tenant=False,
            server_urls=("https://localhost:3000/v1",),
        ).model_dump()
    )
    assert (settings.file_read, settings.files_missing) == (path, ())


def test_the_oauth_tables_of_the_file(tmp_path):
    """Clients and users of the file are records with their own defaults."""
    written(
        tmp_path,
        '[[oauth.clients]]\nclient_id = "my-cli"\nclient_secret = "s3cret"\nscopes = ["openid"]\n'
        'auth_methods = ["client_secret_post"]\ngrant_types = ["refresh_token"]\nclient_name = "My CLI"\n'
        'redirect_uris = ["http://localhost/back"]\nscript = ["pending*2", "deny"]\n'
        '[[oauth.clients]]\nclient_id = "public"\n'
        '[[oauth.users]]\nusername = "alice"\npassword = "secret"\n'
        '[[oauth.issuers]]\nname = "a"\nscript = ["expire"]\n[[oauth.issuers]]\nname = "b"\n',
    )
    assert Settings.load({}, tmp_path).oauth.model_dump() == OAuth().model_dump() | {
        "clients": (
            {
                "client_id": "my-cli",
                "client_secret": "s3cret",
                "client_name": "My CLI",
                "scopes": ("openid",),
                "auth_methods": ("client_secret_post",),
                "grant_types": ("refresh_token",),
                "redirect_uris": ("http://localhost/back",),
                "script": ("pending*2", "deny"),
            },
            {
                "client_id": "public",
                "client_secret": None,
                "client_name": None,
                "scopes": ("openid", "profile", "email", "offline_access"),
                "auth_methods": ("client_secret_basic", "client_secret_post"),
                "grant_types": ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"),
                "redirect_uris": (),
                "script": (),
            },
        ),
        "users": ({"username": "alice", "password": "secret"},),
        "issuers": ({"name": "a", "script": ("expire",)}, {"name": "b", "script": ()}),
    }


@pytest.mark.parametrize(
    "step",
    [
        *("pending", "pending*1", "pending*9999", "slow_down", "slow_down*2", "deny", "expire"),
        *("approve testuser1", "approve testuser1 openid", "approve a@b openid profile"),
    ],
)
def test_a_step_of_a_script(step):
    """Each word that a flow can play; what answers a poll may repeat, and an approval names who and what."""
    assert OAuthIssuer(name="a", script=(step,)).script == (step,)


@pytest.mark.parametrize(
    "step",
    [
        *("", "Pending", " pending", "pending ", "pending*0", "pending*", "pending*10000", "pending * 2", "pending*-1"),
        *("deny*2", "expire*2", "approve", "approve ", "approve*2 a", "approve  a", "allow", "approve a\n"),
    ],
)
def test_what_is_no_step(step):
    """It is refused at the start, not at the poll that would have played it."""
    with pytest.raises(ValidationError):
        OAuthIssuer(name="a", script=(step,))


def test_the_named_file_is_the_only_one_looked_for(tmp_path):
    """TMS_STANDIN_CONFIG, also a relative one, holds over every other place."""
    path = written(tmp_path, "http_port = 1", "other.toml")
    written(tmp_path, "http_port = 2")
    settings = Settings.load({"TMS_STANDIN_CONFIG": "other.toml", "TMS_ROOT_DIR": str(tmp_path)}, tmp_path)
    assert (settings.http_port, settings.file_read, settings.files_missing) == (1, path, ())


def test_the_current_directory_comes_after_the_root_directory(tmp_path):
    """What was looked for before the file that was read is told as missing."""
    path = written(tmp_path, "http_port = 2")
    settings = Settings.load({"TMS_ROOT_DIR": "root"}, tmp_path)
    assert (settings.http_port, settings.file_read) == (2, path)
    assert settings.files_missing == (tmp_path / "root/config/tms.toml",)


def test_no_file_at_all(tmp_path):
    """Without any file the defaults hold, and both places are told; an empty TMS_ROOT_DIR is none."""
    settings = Settings.load({"TMS_ROOT_DIR": str(tmp_path / "root")}, tmp_path)
    assert (settings.http_port, settings.file_read) == (3000, None)
    assert settings.files_missing == (tmp_path / "root/config/tms.toml", tmp_path / "tms.toml")
    assert Settings.load({"TMS_ROOT_DIR": ""}, tmp_path).files_missing == (tmp_path / "tms.toml",)


def test_a_byte_order_mark_is_not_a_mistake(tmp_path):
    """An editor that writes a mark in front of UTF-8 does not stop the start."""
    written(tmp_path, b"\xef\xbb\xbfhttp_port = 1")
    assert Settings.load({}, tmp_path).http_port == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('enable_mvp = "true"', 'enable_mvp must be true or false, not "true".'),
        ("http_port = true", "http_port must be a whole number, not true."),
        ("http_port = 3000.0", "http_port must be a whole number, not 3000.0."),
        ("http_port = 65536", "http_port must be less than or equal to 65535, not 65536."),
        ("title = 5", "title must be a string, not 5."),
        ('server_urls = "x"', 'server_urls must be a list, not "x".'),
        ('server_urls = ["x", 5]', "item 2 of server_urls must be a string, not 5."),
        ('new_clients = "on_approval"', 'new_clients must be "allow" or "disallow", not "on_approval".'),
        ("zzz = 1", "zzz is not a known key."),
        ('databse = "x"', "databse is not a known key; the nearest one is standin.database."),
        ('database = "x"', "database is not a known key; the nearest one is standin.database."),
        ('[standin]\ntitle = "x"', "standin.title is not a known key; the nearest one is title."),
        ("standin = 1", "standin must be a table."),
        ("[standin]\nrandom_seed = 2026-01-01", 'standin.random_seed must be a whole number, not "2026-01-01".'),
        ("[standin]\ntls = 1", "standin.tls must be true or false, not 1."),
        ('[standin]\ntls_key = ""', 'standin.tls_key must be a string that is not empty, not "".'),
        ("tls = true", "tls is not a known key; the nearest one is standin.tls."),
        ('[standin]\nhost = ""', 'standin.host must be a host name or an address, not "".'),
        ('[standin]\nquirks = "a\\nb"', 'standin.quirks must be "intended" or "real", not "a\\nb".'),
        ("[oauth]\nintervall = 5", "oauth.intervall is not a known key; the nearest one is oauth.interval."),
        ("[oauth]\ndevice_code_ttl = 0", "oauth.device_code_ttl must be greater than or equal to 1, not 0."),
        (
            '[oauth]\nissuer = "http://x/"',
            'oauth.issuer must be an http or https URL without query, fragment and slash at its end, not "http://x/".',
        ),
        ("oauth = 5", "oauth must be a table."),
        ("[[oauth.clients]]", "client_id in item 1 of oauth.clients is missing."),
        (
            '[[oauth.clients]]\nclient_id = "a"\n[[oauth.clients]]\nclient_idd = "b"',
            "client_id in item 2 of oauth.clients is missing.",
        ),
        (
            '[[oauth.clients]]\nclient_id = "a"\nscope = []',
            "scope in item 1 of oauth.clients is not a known key; the nearest one is scopes.",
        ),
        (
            '[[oauth.clients]]\nclient_id = "a"\nscopes = ["a", 5]',
            "item 2 of scopes in item 1 of oauth.clients must be a string, not 5.",
        ),
        (
            '[[oauth.issuers]]\nname = "a"\n[[oauth.issuers]]\nname = "a"',
            "oauth.issuers must be a list in which every name stands once.",
        ),
        (
            '[[oauth.issuers]]\nname = "a/b"',
            'name in item 1 of oauth.issuers must be 1 to 64 letters, digits, dots, dashes or underscores, not "a/b".',
        ),
        (
            '[[oauth.issuers]]\nname = "a"\nscript = ["pending", "wait"]',
            f'item 2 of script in item 1 of oauth.issuers must be {STEP}, not "wait".',
        ),
        ("[oauth]\nauto_approve_polls = -1", "oauth.auto_approve_polls must be greater than or equal to 0, not -1."),
        ('[oauth]\nauto_approve = ""', 'oauth.auto_approve must be a string that is not empty, not "".'),
        ("[oauth]\nwrong_codes = 0", "oauth.wrong_codes must be greater than or equal to 1, not 0."),
        ("[oauth]\nwrong_secrets = 0", "oauth.wrong_secrets must be greater than or equal to 1, not 0."),
        ("[oauth]\njson_bodies = 1", "oauth.json_bodies must be true or false, not 1."),
        (f"title = 0x{'f' * 4000}", "title must be a string, not a number of thousands of digits."),
        (
            f"[standin]\nrandom_seed = {2**63}",
            "standin.random_seed must be less than 9223372036854775808, not 9223372036854775808.",
        ),
        (
            '[[oauth.clients]]\nclient_id = "a"\n[[oauth.clients]]\nclient_id = "a"',
            "oauth.clients must be a list in which every client_id stands once.",
        ),
    ],
)
def test_a_mistake_in_the_file(tmp_path, text, sentence):
    """The sentence names the file, the key and what was expected."""
    path = written(tmp_path, text)
    assert refused(tmp_path, {}) == f"{path}: {sentence}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('admin_secret = "hush\\u0000"', "standin.admin_secret must be visible ASCII, since it travels in a header."),
        (
            'control_token = "hush hush"',
            "standin.control_token must be visible ASCII without spaces, since it travels in a header.",
        ),
        (
            'database = "mysql://u:hush@host/tms"',
            "standin.database must be a URL: postgresql://..., sqlite:///PATH or sqlite:// (in memory).",
        ),
        (
            'database = "postgresql://u:hush@host:port/tms"',
            "standin.database must be a URL: postgresql://..., sqlite:///PATH or sqlite:// (in memory).",
        ),
        (
            'database = "sqlite:///:memory:"',
            "standin.database must be a URL: postgresql://..., sqlite:///PATH or sqlite:// (in memory).",
        ),
        ('[oauth]\nusers = ["alice:hush"]', "item 1 of oauth.users must be a table."),
        (
            '[[oauth.users]]\nusername = "a"\npassword = ["hush"]',
            "password in item 1 of oauth.users must be a string.",
        ),
        (
            '[[oauth.clients]]\nclient_id = "a"\nclient_secret = ""',
            "client_secret in item 1 of oauth.clients must be a string that is not empty.",
        ),
    ],
)
def test_no_sentence_holds_a_secret(tmp_path, text, place):
    """Of what is secret, or may hold a secret, only the key is told."""
    path = written(tmp_path, f"[standin]\n{text}")
    assert refused(tmp_path, {}) == f"{path}: {place}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "http_port 3000",
            "cannot be parsed as TOML: Expected '=' after a key in a key/value pair (at line 1, column 11).",
        ),
        ("a = " + "[" * 5000, "cannot be parsed as TOML: it is nested too deeply."),
        (b'\n\ntitle = "\xff"', "is not UTF-8 (at line 3)."),
    ],
)
def test_a_file_that_is_not_toml(tmp_path, text, sentence):
    """The sentence names the file and the line."""
    path = written(tmp_path, text)
    assert refused(tmp_path, {}) == f"The configuration file {path} {sentence}"


def test_a_file_that_cannot_be_read(tmp_path):
    """A directory in the file's place stops the start in every one of the three places."""
    (tmp_path / "config" / "tms.toml").mkdir(parents=True)
    (tmp_path / "tms.toml").mkdir()
    for environment, path in (
        ({"TMS_STANDIN_CONFIG": "config"}, tmp_path / "config"),
        ({"TMS_ROOT_DIR": str(tmp_path)}, tmp_path / "config/tms.toml"),
        ({}, tmp_path / "tms.toml"),
    ):
        assert refused(tmp_path, environment) == f"The configuration file {path} cannot be read: Is a directory."


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("HTTP_PORT", "abc", 'TMS_STANDIN_HTTP_PORT must be a whole number, not "abc".'),
        ("HTTP_PORT", "70000", "TMS_STANDIN_HTTP_PORT must be less than or equal to 65535, not 70000."),
        ("ENABLE_MVP", "", 'TMS_STANDIN_ENABLE_MVP must be true or false, not "".'),
        ("NEW_CLIENTS", "on_approval", 'TMS_STANDIN_NEW_CLIENTS must be "allow" or "disallow", not "on_approval".'),
        ("ADMIN_SECRET", "", "TMS_STANDIN_ADMIN_SECRET must be visible ASCII, since it travels in a header."),
        (
            "CONTROL_TOKEN",
            "",
            "TMS_STANDIN_CONTROL_TOKEN must be visible ASCII without spaces, since it travels in a header.",
        ),
        ("SERVER_URLS", "a,b", "TMS_STANDIN_SERVER_URLS must be a list, written as JSON."),
        ("OAUTH__CLIENTS", '[{"client_secret": "hush"', "TMS_STANDIN_OAUTH__CLIENTS must be a list, written as JSON."),
        ("OAUTH__CLIENTS", "5", "TMS_STANDIN_OAUTH__CLIENTS must be a list."),
        ("OAUTH__USERS", '[{"username": "a"}]', "password in item 1 of TMS_STANDIN_OAUTH__USERS is missing."),
        ("OAUTH__INTERVAL", "x", 'TMS_STANDIN_OAUTH__INTERVAL must be a whole number, not "x".'),
        ("HTTP_PORT", "9" * 5000, "TMS_STANDIN_HTTP_PORT must be a number of fewer digits."),
        ("OAUTH__INTERVAL", "9" * 5000, "TMS_STANDIN_OAUTH__INTERVAL must be a number of fewer digits."),
        ("CONFIG", "", "TMS_STANDIN_CONFIG is empty; it must name a file."),
        ("QQQ", "x", "TMS_STANDIN_QQQ is not a variable of the stand-in."),
        (
            "DATABSE",
            "hush",
            "TMS_STANDIN_DATABSE is not a variable of the stand-in; the nearest one is TMS_STANDIN_DATABASE.",
        ),
        (
            "OAUTH__INTERVALL",
            "5",
            (
                "TMS_STANDIN_OAUTH__INTERVALL is not a variable of the stand-in; "
                "the nearest one is TMS_STANDIN_OAUTH__INTERVAL."
            ),
        ),
    ],
)
def test_a_mistake_in_the_environment(tmp_path, variable, value, sentence):
    """The sentence names the variable and what was expected."""
    assert refused(tmp_path, {f"TMS_STANDIN_{variable}": value}) == sentence


def test_a_named_file_that_is_not_there(tmp_path):
    """Only the file that TMS_STANDIN_CONFIG names has to exist; no other is taken in its place."""
    written(tmp_path, "http_port = 1")
    sentence = f"TMS_STANDIN_CONFIG names the file {tmp_path / 'nowhere.toml'}, which does not exist."
    assert refused(tmp_path, {"TMS_STANDIN_CONFIG": "nowhere.toml"}) == sentence


def test_a_mistake_in_the_file_shows_under_the_environment(tmp_path):
    """A wrong value of the file is refused even where the environment overrides it."""
    path = written(tmp_path, 'http_port = "x"')
    sentence = f'{path}: http_port must be a whole number, not "x".'
    assert refused(tmp_path, {"TMS_STANDIN_HTTP_PORT": "1"}) == sentence


def test_the_table_of_settings():
    """Every setting stands in the table once, with key, variable, default and one line of help."""
    table = settings_table()
    assert [setting.key for setting in table] == [
        *("title", "http_addr", "http_port", "enable_mvp", "enable_test_tenant", "new_clients", "server_urls"),
        *("standin.database", "standin.wire_version", "standin.quirks", "standin.strict", "standin.admin_secret"),
        *("standin.seed", "standin.host", "standin.tls", "standin.tls_certificate", "standin.tls_key"),
        *("standin.tls_folder", "standin.log_format", "standin.random_seed", "standin.control_token"),
        *("oauth.interval", "oauth.device_code_ttl", "oauth.access_token_ttl", "oauth.refresh_token_ttl"),
        *("oauth.rotate_refresh_tokens", "oauth.json_bodies", "oauth.auto_approve", "oauth.auto_approve_polls"),
        *("oauth.wrong_codes", "oauth.wrong_secrets", "oauth.issuer"),
        *("oauth.clients", "oauth.users", "oauth.issuers", "tapis.tenant", "tapis.race", "tapis.tenants"),
    ]
    assert table[7]._replace(help="") == Setting(
        "database", "standin.database", "TMS_STANDIN_DATABASE", "sqlite:///tms.db", ""
    )
    assert table[21]._replace(help="") == Setting(
        "oauth.interval", "oauth.interval", "TMS_STANDIN_OAUTH__INTERVAL", 5, ""
    )
    assert all(setting.help.endswith(".") and "\n" not in setting.help for setting in table)
