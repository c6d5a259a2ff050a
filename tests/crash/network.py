"""Hostile conditions of the network: idle connections, slow senders, bodies of 100 MB, floods of headers."""

import contextlib
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from tests.crash.condition import NO_ANSWER, Found, Watched, ask, has_logged, not_whole, observed, only_right, wait_for
from tests.load.server import Server, launch_server, stopping, wait_until_ready

MEBIBYTE = 1024 * 1024
PATIENCE_SECONDS = 30
SPARE_FILES = 500  # that this process needs besides the connections
PIECE = b"a" * 65536
MOST_MEMORY = 64.0  # MiB that bodies and headers may cost, whatever their size
IDLE_KIBIBYTES = 32.0  # that one idle connection may cost

JSON_HEAD = "Content-Type: application/json\r\n"
FORM_HEAD = "Content-Type: application/x-www-form-urlencoded\r\n"
BODIES = {
    "TMS": ("POST /v1/tms/pubkeys/creds/retrieve", JSON_HEAD, b'{"user":"'),
    "OAuth": ("POST /oauth2/token", FORM_HEAD, b"grant_type="),
    "Tapis": ("POST /v3/oauth2/tokens", JSON_HEAD, b'{"username":"'),
    "control plane": ("PUT /_standin/clock", JSON_HEAD, b'{"mode":"'),
    "page": ("POST /device", FORM_HEAD, b"user_code="),
    "no such path": ("POST /nothing", JSON_HEAD, b'{"user":"'),
}
VERSION = "GET /v1/tms/version HTTP/1.1\r\nHost: localhost\r\n"


def idle(server: Server, connections: int) -> Found:
    """Hold many connections that say nothing, half of which have asked once."""
    wanted = connections
    connections = min(connections, _raise_limit() - SPARE_FILES)
    server.settle()
    with observed(server) as watched, _connected(server, connections) as sockets:
        for one in sockets[::2]:
            one.sendall(f"{VERSION}\r\n".encode())
        statuses = Counter(_status(one) for one in sockets[::2])
        time.sleep(1)
    each = (watched.memory_peak - watched.memory_before) * 1024 / connections
    failures = [*only_right(watched), *not_whole(server), *has_logged(server)]
    watched.answers += Counter({f"of the idle {status}": count for status, count in statuses.items()})
    failures += [] if set(statuses) == {"200"} else [f"idle connections were answered {dict(statuses)}"]
    failures += [f"an idle connection costs {each:.0f} KiB"] if each > IDLE_KIBIBYTES and connections > 1000 else []
    told = f", as many of {wanted:,} as ulimit -n allows" if connections < wanted else ""
    done = f"{connections:,} at once{told}; {each:.1f} KiB each, the requests among them included"
    return Found("idle connections", done, watched, failures)


def crowd(folder: Path, files: int) -> Found:
    """Connect twice as often as a server may open files: those who are there are served, the others are sent away."""
    prefix = ["prlimit", f"--nofile={files}:{files}"]
    with stopping(wait_until_ready(launch_server(folder, prefix=prefix))) as server:
        with observed(server) as watched:
            wait_for(watched, "ready")  # It has its connection before the others come.
            with _connected(server, 2 * files) as sockets:
                for one in sockets:
                    with contextlib.suppress(OSError):
                        one.sendall(f"{VERSION}\r\n".encode())
                statuses = Counter(_status(one) for one in sockets)
        failures = [*only_right(watched), *not_whole(server), *has_logged(server)]
    watched.answers += Counter({f"of the crowd {status}": count for status, count in statuses.items()})
    failures += [] if set(statuses) == {"200", NO_ANSWER} else [f"the crowd was answered {dict(statuses)}"]
    done = f"{2 * files} connections to a server that may open {files} files"
    return Found("more connections than files", done, watched, failures)


def slow(server: Server, senders: int, seconds: float) -> Found:
    """Have many send a byte a second, half of them of a head, half of a body; at last the rest of each at once."""
    body = b'{"user":"a","host":"b","public_key_fingerprint":"c"}'
    head = f"POST /v1/tms/pubkeys/creds/retrieve HTTP/1.1\r\nHost: localhost\r\n{JSON_HEAD}Content-Length: {len(body)}\r\n\r\n"
    with observed(server) as watched, _connected(server, senders) as sockets:
        requests = [head.encode() + body] * senders
        sent = [0 if number % 2 else len(head) for number in range(senders)]
        for one, request, position in zip(sockets, requests, sent, strict=True):
            one.sendall(request[:position])
        for _ in range(round(seconds)):
            for number, one in enumerate(sockets):
                one.sendall(requests[number][sent[number] : sent[number] + 1])
                sent[number] += 1
            time.sleep(1)
        for number, one in enumerate(sockets):
            one.sendall(requests[number][sent[number] :])
        statuses = Counter(_status(one) for one in sockets)
    failures = [*only_right(watched), *not_whole(server), *has_logged(server)]
    watched.answers += Counter({f"of the slow {status}": count for status, count in statuses.items()})
    failures += [] if set(statuses) == {"404"} else [f"slow senders were answered {dict(statuses)}"]
    return Found(
        "slow senders", f"{senders} at once, a byte a second for {seconds:g} s, then the rest", watched, failures
    )


def bodies(server: Server, megabytes: int) -> Found:
    """Send huge bodies to every kind of endpoint, with a length and in chunks, two at once, with the journal switched on."""
    answered: Counter[str] = Counter()
    ask(server, "PATCH", "/_standin/settings", {"journal": True})
    server.settle()
    with observed(server) as watched:
        for name, (line, kind, begin) in BODIES.items():
            threads = [
                Thread(
                    target=lambda *given: answered.update([_sent_body(*given)]),
                    args=(server, name, line, kind, begin, chunked, megabytes),
                )
                for chunked in (False, True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    failures = [*only_right(watched), *not_whole(server), *has_logged(server), *_greedy(watched)]
    failures += [f"{words} to {megabytes} MB" for words in answered if _is_wrong(words)]
    watched.answers += answered
    return Found(
        "huge bodies", f"{megabytes} MB each, with a length and in chunks, {2 * len(BODIES)} of them", watched, failures
    )


def headers(server: Server, megabytes: int) -> Found:
    """Send too many headers, a huge one, one that never ends, and a target that never ends."""
    floods = {
        "many headers": (VERSION, b"x-flood: 1\r\n"),
        "one huge header": (f"{VERSION}x-flood: ", PIECE),
        "a header's name without end": (VERSION, PIECE),
        "a target without end": ("GET /", PIECE),
        "trailers without end": (
            f"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n{FORM_HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n",
            b"x-flood: 1\r\n" * 5000,
        ),
    }
    answered: Counter[str] = Counter()
    server.settle()
    with observed(server) as watched:
        for name, (begin, piece) in floods.items():
            answered[f"{name} {_flooded(server, begin.encode(), piece, megabytes * MEBIBYTE)}"] += 1
        answered[f"101 headers {_flooded(server, VERSION.encode(), b'x-flood: 1' + bytes((13, 10)), 100 * 12)}"] += 1
    failures = [*only_right(watched), *not_whole(server), *has_logged(server), *_greedy(watched)]
    failures += [f"{words} to {megabytes} MB" for words in answered if _is_wrong(words)]
    watched.answers += answered
    return Found("header floods", f"up to {megabytes} MB of head, {len(floods)} ways", watched, failures)


def _raise_limit() -> int:
    """Let this process open as many files as it may, and return how many that are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@contextlib.contextmanager
def _connected(server: Server, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_connection(server)) for _ in range(count)]


def _connection(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(server.url).port), PATIENCE_SECONDS)


def _status(connection: socket.socket) -> str:
    """Return the status of the answer that comes next."""
    answer = b""
    with contextlib.suppress(OSError):
        while b"\r\n" not in answer and (piece := connection.recv(65536)):
            answer += piece
    return answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/1.1 ") else NO_ANSWER


def _sent_body(server: Server, name: str, line: str, kind: str, begin: bytes, chunked: bool, megabytes: int) -> str:
    length = megabytes * MEBIBYTE
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    head = f"{line} HTTP/1.1\r\nHost: localhost\r\n{kind}{framing}\r\n\r\n".encode()
    with _connection(server) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(head)
            sent = 0
            while sent < length:
                piece = (begin if sent == 0 else PIECE)[: length - sent]
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                sent += len(piece)
            connection.sendall(b"0\r\n\r\n" if chunked else b"")
        return f"{name} {_status(connection)}"


def _flooded(server: Server, begin: bytes, piece: bytes, size: int) -> str:
    """Send a beginning and pieces behind it until somebody refuses, then the end of a head; return the status."""
    with _connection(server) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(begin)
            for _ in range(size // len(piece) + 1):
                connection.sendall(piece)
            connection.sendall(b"\r\n\r\n")
        return _status(connection)


def _is_wrong(words: str) -> bool:
    """Return whether an answer to a flood is none of a refusal."""
    return words.endswith(NO_ANSWER) or not words.rpartition(" ")[2].startswith("4")


def _greedy(watched: Watched) -> list[str]:
    grown = watched.memory_peak - watched.memory_before
    return [f"memory grew by {grown:.0f} MiB"] if grown > MOST_MEMORY else []
