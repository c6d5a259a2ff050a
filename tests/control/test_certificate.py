"""The certificate authority that clients may download, and that no key goes with it."""

import pytest
from cryptography.x509 import load_pem_x509_certificates

from app.settings import Settings
from app.tls import server_files
from tests.control.conftest import problem

CA = "/_standin/ca.pem"
NONE = "The stand-in made no certificate authority: it serves plain http, or files of your own."


async def test_the_authority_that_was_made(standin_for, tmp_path):
    """The very file, as PEM; it is the one that was there at the start, whatever another start puts in its place."""
    folder = {"tls": True, "tls_folder": str(tmp_path)}
    server_files(Settings(database="sqlite://", **folder))
    made = (tmp_path / "ca.pem").read_bytes()
    standin = await standin_for(**folder)
    (tmp_path / "ca.pem").write_bytes(b"another start's")

    answer = await standin.http.get(CA)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-pem-file")
    assert answer.content == made
    [certificate] = load_pem_x509_certificates(answer.content)
    assert b"PRIVATE" not in answer.content
    assert "TMS stand-in" in certificate.subject.rfc4514_string()


@pytest.mark.parametrize("tls", [False, True])
async def test_there_may_be_none(standin_for, tmp_path, tls):
    """Plain http, or TLS that another program does."""
    standin = await standin_for(tls=tls, tls_folder=str(tmp_path / "nowhere"))
    problem(await standin.http.get(CA), 404, "Not Found", NONE)
