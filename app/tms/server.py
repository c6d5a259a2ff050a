"""E01 and E02: the two endpoints that touch no record. No authorization, no database."""

from ..call import Call
from ..declare import Reply, Resource
from ..wire import WIRES

on = Resource("/tms", "General")


class RespVersion(Reply):
    """The build of the server, all strings."""

    tms_version: str
    git_branch: str
    git_commit: str
    git_dirty: str
    source_ts: str
    rustc_version: str


@on.get("/hello", None)
async def hello(call: Call, name: str | None) -> str:  # noqa: ARG001 - every endpoint takes its call
    """Say hello (E01)."""
    return "hello!" if name is None else f"hello, {name}!"


VERSIONS = {
    wire.version: RespVersion(
        tms_version=wire.version,
        git_branch="main",
        git_commit=wire.git_commit,
        git_dirty="false",
        source_ts="2026-04-21T15:02:11Z",
        rustc_version="rustc 1.95.0 (59807616e 2026-04-14)",
    )
    for wire in WIRES.values()
}


@on.get("/version", RespVersion)
async def get_version(call: Call) -> RespVersion:
    """Tell which build answers (E02); the values are those of the release that is stood in for."""
    return VERSIONS[call.parts.modes.wire_version]
