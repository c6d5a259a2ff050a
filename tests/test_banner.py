"""The banner: whole texts, since a person reads them and the load suite's user pastes from them."""

import re
import subprocess
from pathlib import Path

import pytest

from app.banner import banner, local_url, where_it_listens
from app.settings import Settings

EXPORTS = """\
export TMS_URL="http://127.0.0.1:3000"
export TMS_PARSE_RESPONSE=true
export X_TMS_CLIENT_ID=testclient1
export X_TMS_CLIENT_SECRET=secret1
export X_TMS_TENANT=test
export X_TMS_ADMIN_ID="~~admin"
export X_TMS_ADMIN_SECRET="adminsecret1"
export TMS_PUBKEY_FINGERPRINT="SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"
export TMS_PUBKEY_HOST="testhost1"
export TMS_PUBKEY_KEYTYPE="ed25519"
export TMS_PUBKEY_USER="testhostaccount1"
export TMS_PUBKEY_USERID="1"
"""


def text_of(settings: Settings, secret_is_known: bool = True) -> str:
    """Return the banner of a start that made its database."""
    return banner(settings, local_url(settings), "made, migrated and seeded (standard)", secret_is_known)


def fact(text: str, label: str) -> str:
    """Return what stands behind a label."""
    return next(line[22:] for line in text.splitlines() if line.startswith(f"  {label} "))


def test_the_whole_text(tmp_path):
    """The first start of the shipped settings, with one mode from the environment and one file missing."""
    (tmp_path / "tms.toml").write_text("enable_mvp = true\n")
    environment = {
        "TMS_ROOT_DIR": "tms",
        "TMS_STANDIN_QUIRKS": "real",
        "TMS_STANDIN_DATABASE": "sqlite:////data/tms.db",
    }
    assert (
        text_of(Settings.load(environment, tmp_path))
        == f"""\
TMS stand-in 0.1.0, answering as tms_server 0.3.0, at http://127.0.0.1:3000

  configuration       {tmp_path}/tms.toml
                      {tmp_path}/tms/config/tms.toml was looked for and not found
  database            sqlite:////data/tms.db: made, migrated and seeded (standard)
  enable_mvp          true        file
  enable_test_tenant  true        default
  new_clients         allow       default
  wire_version        0.3.0       default
  quirks              real        environment TMS_STANDIN_QUIRKS
  strict              false       default
  tenants             default, test
  client              testclient1 / secret1 in tenant test
  administrator       ~~admin / adminsecret1 in both tenants
  OAuth               issuer http://127.0.0.1:3000; codes are typed at http://127.0.0.1:3000/device
                      client device-public, users testuser1 / password1 and testuser2 / password2
  control page        http://127.0.0.1:3000/_standin/

  NOTE: OAuth over plain http is meant for loopback only; make run TLS=1 (TMS_STANDIN_TLS=1) serves https.

For the load suite:

{EXPORTS}
"""
    )


def test_an_existing_database_keeps_its_secret():
    """A secret that is not the configured one is neither shown nor exported."""
    text = text_of(Settings(), secret_is_known=False)
    assert fact(text, "administrator") == "~~admin, with the secret set at the first start, in both tenants"
    assert "adminsecret1" not in text
    assert text.endswith("\n" + EXPORTS.replace('export X_TMS_ADMIN_SECRET="adminsecret1"\n', "") + "\n")


@pytest.mark.parametrize(
    ("seed", "records"),
    [("empty", "tenants default and test with ~~admin, nothing else"), ("my.toml", "as the seed file my.toml says")],
)
def test_another_seed_exports_only_the_address(seed, records):
    """The standard records are promised of the standard seed only."""
    text = text_of(Settings(seed=seed))
    assert fact(text, "records") == records
    assert text.endswith('\n\nexport TMS_URL="http://127.0.0.1:3000"\nexport TMS_PARSE_RESPONSE=true\n\n')


def test_a_disabled_test_tenant_is_told():
    """The export lines cannot work with the tenant disabled, so the banner says that it is."""
    text = text_of(Settings(enable_test_tenant=False))
    assert fact(text, "tenants") == "default, test (disabled: enable_test_tenant is false)"


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("sqlite://", "sqlite:// (in memory)"),
        ("sqlite:///tms.db", f"sqlite:///{Path.cwd()}/tms.db"),
        ("postgresql://tms:hush@host:5432/tms", "postgresql://tms:***@host:5432/tms"),
    ],
)
def test_the_database_without_its_password(database, shown):
    """A file is told with its whole path, a server without the password."""
    text = text_of(Settings(database=database))
    assert fact(text, "database") == f"{shown}: made, migrated and seeded (standard)"
    assert "hush" not in text


def test_no_file_was_read(tmp_path):
    """Without a file the banner says so, and where it would have been."""
    lines = text_of(Settings.load({}, tmp_path)).splitlines()
    assert lines[2:4] == [
        "  configuration       defaults and environment, no file",
        f"                      {tmp_path}/tms.toml was looked for and not found",
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("localhost", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("::1", "http://[::1]:3000"),
        ("192.0.2.1", "http://192.0.2.1:3000"),
        ("standin.example", "http://standin.example:3000"),
    ],
)
def test_the_url_of_a_client_on_this_machine(host, url):
    """What listens on every address is met on loopback; an IPv6 address stands in brackets."""
    assert local_url(Settings(host=host)) == url
    assert local_url(Settings(host=host, tls=True)) == url.replace("http:", "https:")


@pytest.mark.parametrize(
    ("host", "token", "warned"),
    [
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("standin.example", None, True),
        ("0.0.0.0", "token", False),
        ("127.0.0.2", None, False),
        ("::1", None, False),
        ("localhost", None, False),
    ],
)
def test_an_open_control_plane_is_warned_of(host, token, warned):
    """Bound to anything but loopback without a token, the start says so loudly; the token is never shown."""
    text = text_of(Settings(host=host, control_token=token))
    warning = f"""
  WARNING: listening on {host} without standin.control_token:
  WARNING: whoever reaches this port can read, change and reset everything through /_standin.
"""
    assert (warning in text, "WARNING" in text) == (warned, warned)
    assert token is None or f" {token}" not in text


@pytest.mark.parametrize(("settings"), [{"tls": True}, {"http_addr": "https://localhost"}])
def test_https_with_the_authority_that_was_made(tmp_path, settings):
    """Every address is https, the authority is named with its whole path, and the exports make clients trust it."""
    text = text_of(Settings(tls_folder=f"{tmp_path}/a b", **settings))
    assert text.partition("\n")[0].endswith(" at https://127.0.0.1:3000")
    at = text.index("  TLS ")
    assert text[at : text.index("  enable_mvp")] == (
        f"  TLS                 certificate authority {tmp_path}/a b/ca.pem, "
        "also at https://127.0.0.1:3000/_standin/ca.pem\n"
        f"                      curl --cacert '{tmp_path}/a b/ca.pem' https://127.0.0.1:3000/v1/tms/version\n"
    )
    exports = EXPORTS.replace(
        'export TMS_URL="http://127.0.0.1:3000"\n',
        f"export TMS_URL=\"https://127.0.0.1:3000\"\nexport SSL_CERT_FILE='{tmp_path}/a b/ca.pem'\n"
        'export CURL_CA_BUNDLE="$SSL_CERT_FILE"\n',
    )
    assert text.endswith(f"\n\n{exports}\n")
    assert "NOTE" not in text


def test_https_with_own_files():
    """Whom clients have to trust is not known then, so nothing is said or exported."""
    text = text_of(Settings(tls_certificate="chain.pem", tls_key="key.pem"))
    assert fact(text, "TLS") == f"with the certificate {Path.cwd()}/chain.pem"
    assert text.endswith("\n\n" + EXPORTS.replace("http:", "https:") + "\n")
    assert "NOTE" not in text


@pytest.mark.parametrize(
    ("arguments", "url", "certificate"),
    [
        (["app/__main__.py"], "https://127.0.0.2:3000", None),
        (["/bin/uvicorn", "app.main:app"], "http://127.0.0.1:8000", None),
        (["/bin/uvicorn", "app.main:app", "--host", "::1", "--port", "1"], "http://[::1]:1", None),
        (["/bin/uvicorn", "app.main:app", "--ssl-certfile", "a.pem"], "https://127.0.0.1:8000", "a.pem"),
        (["uvicorn/__main__.py", "--ssl-certfile=a", "--ssl-keyfile=b", "x:y"], "https://127.0.0.1:8000", "a"),
    ],
)
def test_uvicorns_own_options_hold(arguments, url, certificate):
    """Under uvicorn's command its options say where it listens and whether with TLS, whatever the settings say."""
    bound = where_it_listens(Settings(host="127.0.0.2", tls=True, http_addr="https://localhost"), arguments)
    assert (local_url(bound), bound.tls_certificate) == (url, certificate)
    assert ("OAuth over plain http" in text_of(bound)) == url.startswith("http:")


@pytest.mark.parametrize("secret", ["adminsecret1", "with space", "$HOME `id` \"double\" 'single' \\ !"])
def test_a_shell_reads_the_exports(secret):
    """Pasted into a shell, the lines give the very values, whatever the secret is made of."""
    text = text_of(Settings(admin_secret=secret))
    exports = "".join(line + "\n" for line in text.splitlines() if line.startswith("export "))
    script = exports + 'printf "%s|%s|%s" "$TMS_URL" "$X_TMS_ADMIN_ID" "$X_TMS_ADMIN_SECRET"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == f"http://127.0.0.1:3000|~~admin|{secret}"


def test_no_colour_codes():
    """The text is the same on a terminal and in a file."""
    assert re.search(r"[^\n -~]", text_of(Settings(host="0.0.0.0"))) is None


def test_a_seed_is_for_a_new_database():
    """Where there was one, nothing is promised of a seed that was not planted."""
    settings = Settings(seed="my.toml")
    text = banner(settings, local_url(settings), "existing", secret_is_known=True, is_new=False)
    assert fact(text, "records") == "those of the database; the seed my.toml is for a new one only"
