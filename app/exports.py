"""Names the variables that the load suite and command-line tools want. It prints and sets none of them."""

import re
import shlex
from collections.abc import Iterator

from .records import STANDARD_FINGERPRINT
from .settings import Settings
from .tls import authority_path

# The load suite's own settings file writes these without quotes.
_BARE = ("TMS_PARSE_RESPONSE", "X_TMS_CLIENT_ID", "X_TMS_CLIENT_SECRET", "X_TMS_TENANT")


def variables(settings: Settings, url: str, secret_is_known: bool = True) -> dict[str, str]:
    """Return what to set for a client of a stand-in with these settings at `url`, in the order of the start's lines.

    With a seed other than the standard one only the address is known. `secret_is_known` is whether the stored secret
    of the administrator is the configured one.
    """
    found = {"TMS_URL": url}
    if settings.serves_tls and settings.tls_certificate is None:
        found |= dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(authority_path(settings)))
    found["TMS_PARSE_RESPONSE"] = "true"
    if settings.seed != "standard":
        return found
    found |= {"X_TMS_CLIENT_ID": "testclient1", "X_TMS_CLIENT_SECRET": "secret1", "X_TMS_TENANT": "test"}
    found["X_TMS_ADMIN_ID"] = "~~admin"
    if secret_is_known:
        found["X_TMS_ADMIN_SECRET"] = settings.admin_secret
    return found | {
        "TMS_PUBKEY_FINGERPRINT": STANDARD_FINGERPRINT,
        "TMS_PUBKEY_HOST": "testhost1",
        "TMS_PUBKEY_KEYTYPE": "ed25519",
        "TMS_PUBKEY_USER": "testhostaccount1",
        "TMS_PUBKEY_USERID": "1",
    }


def export_lines(settings: Settings, url: str, secret_is_known: bool) -> Iterator[str]:
    """Yield the lines of a shell that set the variables."""
    for name, value in variables(settings, url, secret_is_known).items():
        if name == "CURL_CA_BUNDLE":
            value = '"$SSL_CERT_FILE"'
        elif name not in _BARE:
            value = _quoted(value)
        yield f"export {name}={value}"


def child_variables(settings: Settings, url: str) -> dict[str, str]:
    """Return the variables for a program that is started for a stand-in with these settings, made anew, at `url`."""
    found = variables(settings, url)
    if "SSL_CERT_FILE" in found:
        found |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), found["SSL_CERT_FILE"])
    return found | {"TAPIS_BASE_URL": url}


def _quoted(value: str) -> str:
    return f'"{value}"' if re.fullmatch(r"[\w./~:+\[\]-]*", value) else shlex.quote(value)
