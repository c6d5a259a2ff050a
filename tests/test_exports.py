"""The variables for clients; how the start prints them is test_banner.py's."""

from app.exports import child_variables, export_lines, variables
from app.settings import Settings

URL = "http://127.0.0.1:3000"
STANDARD = {
    "TMS_URL": URL,
    "TMS_PARSE_RESPONSE": "true",
    "X_TMS_CLIENT_ID": "testclient1",
    "X_TMS_CLIENT_SECRET": "secret1",
    "X_TMS_TENANT": "test",
    "X_TMS_ADMIN_ID": "~~admin",
    "X_TMS_ADMIN_SECRET": "adminsecret1",
    "TMS_PUBKEY_FINGERPRINT": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw",
    "TMS_PUBKEY_HOST": "testhost1",
    "TMS_PUBKEY_KEYTYPE": "ed25519",
    "TMS_PUBKEY_USER": "testhostaccount1",
    "TMS_PUBKEY_USERID": "1",
}


def test_the_standard_seed():
    """Everything that the load suite wants, in the order of the start's lines."""
    assert list(variables(Settings(), URL).items()) == list(STANDARD.items())


def test_an_unknown_secret():
    """The administrator's is left out where the database has another one."""
    assert "X_TMS_ADMIN_SECRET" not in variables(Settings(), URL, secret_is_known=False)


def test_another_seed():
    """Only the address is known."""
    assert variables(Settings(seed="empty"), URL) == {"TMS_URL": URL, "TMS_PARSE_RESPONSE": "true"}


def test_for_a_child(tmp_path):
    """It gets the Tapis base URL too, and under TLS the authority in every spelling that libraries know."""
    assert child_variables(Settings(), URL) == {**STANDARD, "TAPIS_BASE_URL": URL}
    found = child_variables(Settings(tls=True, tls_folder=str(tmp_path)), URL)
    names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    assert {name: found.get(name) for name in names} == dict.fromkeys(names, f"{tmp_path}/ca.pem")


def test_an_own_certificate_needs_no_authority():
    """Who brings files of their own knows whom to trust."""
    settings = Settings(tls_certificate="c.pem", tls_key="k.pem")
    assert [name for name in child_variables(settings, URL) if "C" in name and "BUNDLE" in name] == []


def test_an_address_in_brackets():
    """A shell's lines quote it as any other."""
    assert 'export TMS_URL="http://[::1]:3000"' in export_lines(Settings(), "http://[::1]:3000", True)
