"""docs/sshd/tms_keycmd alone: what it sends, byte for byte, what it prints and how it ends."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.servers import ROOT

pytestmark = pytest.mark.system("curl", "curl")

COMMAND = ROOT / "docs/sshd/tms_keycmd"
ARGUMENTS = ("tmshand", "999", "SHA256:abc+/x", "ssh-ed25519")
# As the real one's structure is posted by its library, serde_json behind attohttpc 0.28.5; caught on a socket.
REAL_TYPE = "content-type: application/json; charset=utf-8"
REAL_BODY = (
    b'{"user":"tmshand","user_uid":"999","host":"testhost1","public_key_fingerprint":"SHA256:abc+/x",'
    b'"key_type":"ssh-ed25519"}'
)


@contextmanager
def answering(status: str, body: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Give the port of a listener that answers one request, and a list that gets the request."""
    got: list[bytes] = []
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            request = b""
            while not request.endswith(b"}"):
                request += connection.recv(65_536)
            got.append(request)
            connection.sendall(head.encode() + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1], got
        thread.join()


def run(folder: Path, port: int, *arguments: str) -> tuple[int, str, str]:
    """Run the command as sshd would, its settings beside it, and return exit status and what it printed."""
    (folder / "tms_keycmd").write_bytes(COMMAND.read_bytes())
    url = f"http://127.0.0.1:{port}/v1/tms/pubkeys/creds/retrieve"
    (folder / "tms_keycmd.toml").write_text(f'tms_url="{url}"\nhost_name = "testhost1"\n')
    command = ["/bin/sh", str(folder / "tms_keycmd"), *arguments]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_it_posts_what_the_real_one_posts(tmp_path):
    """Content type and body are the same bytes; of the answer the key is printed."""
    answer = b'{"public_key":"ssh-ed25519 AAAA+/=","result_code":"0","result_msg":"success"}'
    with answering("200 OK", answer) as (port, got):
        assert run(tmp_path, port, *ARGUMENTS) == (0, "ssh-ed25519 AAAA+/=\n", "")
    head, _, body = got[0].partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    assert lines[0] == "POST /v1/tms/pubkeys/creds/retrieve HTTP/1.1"
    assert [line.lower() for line in lines if line.lower().startswith("content-type")] == [REAL_TYPE]
    assert body == REAL_BODY


def test_names_are_quoted(tmp_path):
    """An account of a Windows domain has a backslash in its name."""
    with answering("200 OK", b"{}") as (port, got):
        assert run(tmp_path, port, "DOM\\ada", "1", "SHA256:x", "ssh-rsa") == (0, "", "")
    assert got[0].partition(b"\r\n\r\n")[2].startswith(rb'{"user":"DOM\\ada","user_uid":"1",')


def test_a_refusal_prints_nothing(tmp_path):
    """Whatever its body says, no key comes out, and the exit status tells sshd's log the cause."""
    answer = b'{"public_key":"ssh-ed25519 AAAA","result_code":"1","result_msg":"NOT_FOUND"}'
    with answering("404 Not Found", answer) as (port, _):
        assert run(tmp_path, port, *ARGUMENTS) == (22, "", "")


def test_no_answer_prints_nothing(tmp_path):
    """Nobody listens."""
    assert run(tmp_path, free_port(), *ARGUMENTS) == (7, "", "")
