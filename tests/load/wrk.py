"""Drives wrk: writes its Lua script, runs it with one thread, reads its figures. It sends to loopback only.

wrk abandons what is under way when its time is up. Here every connection falls silent at the deadline instead and
wrk ends when the last answer is in, so that each request sent has its answer counted.
"""

import ipaddress
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.load.scenarios import VALUE, Scenario

DRAIN_SECONDS = 10  # How long wrk waits after the deadline for answers that are still missing.
UNLIMITED = 10**12

SCRIPT = r"""
local ffi = require("ffi")
ffi.cdef[[
typedef struct { long seconds, nanoseconds; } moment;
int clock_gettime(int clock, moment *now);
int getpid(void);
int kill(int process, int signal);
]]
local monotonic, interrupt, forever = 1, 2, 3600000
local moment = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(monotonic, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local requests, following, file = {}, first, nil
sent, silent, started, ended, kinds = 0, 0, 0, 0, ""

local function add(request, value)
  local path, headers, body = request.path, request.headers, request.body
  if value then
    path, headers, body = path:gsub(placeholder, value), {}, body and body:gsub(placeholder, value)
    for name, text in pairs(request.headers) do headers[name] = text:gsub(placeholder, value) end
  end
  requests[#requests + 1] = wrk.format(request.method, path, headers, body)
end

function init()
  for _, request in ipairs(scenarios) do
    if not values then add(request) end
    if values then for value in io.lines(values) do add(request, value) end end
  end
  if file_name then file = assert(io.open(file_name, "w")) end
end

function request()
  following = following % #requests + 1
  return requests[following]
end

function delay()
  local moment = now()
  if started == 0 then started = moment end
  if moment - started < seconds and sent < limit then
    sent = sent + 1
    return 0
  end
  silent = silent + 1
  -- The main thread sleeps until wrk's own duration is over; the signal that a terminal sends ends it now, in order.
  if silent == connections then ffi.C.kill(ffi.C.getpid(), interrupt) end
  return forever
end

function response(status, headers, body)
  local kind = tostring(status)
  local refusal = status >= 400 and body:match('"error":"([^"]+)"')
  if refusal then kind = kind .. " " .. refusal end
  if not _G[kind] then kinds = kinds .. kind .. "\n" end
  _G[kind] = (_G[kind] or 0) + 1
  ended = now()
  if file and status == file_status then file:write(body:match('"' .. file_member .. '":"([^"]+)"') or "none", "\n") end
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency)
  local thread, answers = threads[1], {}
  for kind in thread:get("kinds"):gmatch("[^\n]+") do
    answers[#answers + 1] = string.format('"%s":%d', kind, thread:get(kind))
  end
  table.sort(answers)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"duration":%.6f,"p50":%.3f,"p99":%.3f,"max":%.3f,"unanswered":%d,"answers":{%s},'
      .. '"socket_errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d}}\n',
    summary.requests, thread:get("ended") - thread:get("started"),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    connections - thread:get("silent"), table.concat(answers, ","),
    errors.connect, errors.read, errors.write, errors.timeout))
end
"""


@dataclass(frozen=True)
class Notes:
    """A file that gets a member of every answer with a status, one a line."""

    file: Path
    status: int = 201
    member: str = "public_key_fingerprint"


@dataclass(frozen=True)
class Load:
    """What to send: scenarios (several take turns), connections, seconds, at most `limit` requests.

    `values` is a file: its lines stand one after the other in the request's place for them, beginning behind `first` of
    them, and round and round.
    """

    scenarios: Sequence[Scenario]
    connections: int
    seconds: float
    limit: int = UNLIMITED
    notes: Notes | None = None
    values: Path | None = None
    first: int = 0

    @property
    def right(self) -> tuple[str, ...]:
        """Return how right answers begin."""
        return tuple({one.right for one in self.scenarios})


@dataclass(frozen=True)
class Result:
    """What one run of wrk saw. Latencies in milliseconds, duration in seconds from the first request to the last answer.

    `unanswered` counts the connections that were still waiting for an answer when wrk gave up. `answers` counts by
    status, and behind it the `error` of a body that has one.
    """

    requests: int
    duration: float
    p50: float
    p99: float
    max: float
    unanswered: int
    answers: dict[str, int]
    socket_errors: dict[str, int]

    @property
    def rate(self) -> float:
        """Return answers per second."""
        return self.requests / self.duration if self.duration > 0 else 0.0

    def failures(self, right: tuple[str, ...] = ("2",)) -> list[str]:
        """Return one sentence for each kind of failure; none when every answer begins as a right one does."""
        refused = [f"{count} answers {kind}" for kind, count in self.answers.items() if not kind.startswith(right)]
        broken = [f"{count} socket errors ({kind})" for kind, count in self.socket_errors.items() if count]
        waiting = [f"{self.unanswered} requests without an answer"] if self.unanswered else []
        nothing = [] if self.requests else ["no request was answered"]
        return [*refused, *broken, *waiting, *nothing]


class WrkError(Exception):
    """wrk is not installed, or ended without figures; the message says which."""


class NotLoopbackError(Exception):
    """The load was to go to an address that is not this machine's loopback."""


def check_loopback(url: str) -> None:
    """Raise NotLoopbackError unless `url` names this machine's own loopback address."""
    host = urlsplit(url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopbackError(f"{url}: loads go to this machine only, so a loopback address (127.0.0.1) was expected")


def _lua(value: object) -> str:
    """Return a value as a Lua literal: strings, numbers, None, dicts and sequences of them."""
    match value:
        case None:
            return "nil"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return repr(value)
        case dict():
            return "{" + ", ".join(f"[{_lua(key)}] = {_lua(inner)}" for key, inner in value.items()) + "}"
        case _:
            assert isinstance(value, Sequence)
            return "{" + ", ".join(_lua(inner) for inner in value) + "}"


def script(load: Load) -> str:
    """Return the whole Lua script of a load."""
    notes = load.notes
    requests = [
        {"method": one.method, "path": one.path, "headers": one.headers, "body": one.body or None}
        for one in load.scenarios
    ]
    settings = {
        "scenarios": requests,
        "connections": load.connections,
        "seconds": load.seconds,
        "limit": load.limit,
        "placeholder": VALUE,
        "values": str(load.values) if load.values else None,
        "first": load.first,
        "file_name": str(notes.file) if notes else None,
        "file_status": notes.status if notes else None,
        "file_member": notes.member if notes else None,
    }
    return "".join(f"{name} = {_lua(value)}\n" for name, value in settings.items()) + SCRIPT


def parse(output: str) -> Result:
    """Return the figures that the script's done() printed as the last line of wrk's output."""
    return Result(**json.loads(output.strip().splitlines()[-1]))


def start(url: str, load: Load, directory: Path) -> subprocess.Popen[str]:
    """Start wrk against `url`, its script in `directory`, and return at once; `finish` collects it.

    Raises NotLoopbackError before anything is sent, WrkError when wrk is not installed.
    """
    check_loopback(url)
    if shutil.which("wrk") is None:
        raise WrkError("wrk is not installed; this installs it: apt-get install wrk")
    path = directory / "load.lua"
    path.write_text(script(load), "utf-8")
    duration = int(load.seconds) + 1 + DRAIN_SECONDS
    arguments = ["--threads", "1", "--connections", str(load.connections), "--duration", f"{duration}s"]
    return subprocess.Popen(
        ["wrk", *arguments, "--timeout", f"{DRAIN_SECONDS}s", "--script", str(path), url],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], seconds: float) -> Result:
    """Wait for wrk, at most `seconds` and the time for missing answers, and return its figures.

    Raises WrkError when it ended without any, which is so where nobody listens.
    """
    with process:
        try:
            output, _ = process.communicate(timeout=seconds + 2 * DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode != 0:
        raise WrkError(f"wrk ended with status {process.returncode}: {output.strip()}")
    return parse(output)


def run(url: str, load: Load, directory: Path) -> Result:
    """Drive `url` with the load and return the figures."""
    return finish(start(url, load, directory), load.seconds)
