"""The ready-made scenarios in process; test_running.py has the ten users that hang, test_dev_server.py the fit."""

import asyncio
from itertools import count

import pytest

from app.errors import ConnectionDropped
from app.faults.dev_server import KINDS, milliseconds
from app.faults.durations import draw
from app.faults.request import Request
from app.faults.scenarios import DevServer, kind_of
from app.steering.operations import Named, OperationNames
from app.tms import OPERATIONS
from tests.faults.conftest import CLIENT, CREATE_KEY, FAULTS, HELLO, KEY, VERSION, put
from tests.seeded import CALLER

NAMES = {named.operation_id: named for named in OperationNames(OPERATIONS).all}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("get_version", "getversion"),
        ("hello", "getversion"),
        ("get_client", "getclient"),
        ("list_hosts", "getclient"),
        ("retrieve_key", "getkey"),
        ("create_key", "createkey"),
        ("update_tenant", "createkey"),
        ("delete_host", "createkey"),
    ],
)
def test_every_operation_is_as_slow_as_one_that_was_measured(operation, kind):
    """Its own report, or the one of a request that reads or writes as it does."""
    assert kind_of(NAMES[operation]) == kind


async def test_the_dev_server_answers_as_ever_and_later(standin):
    """Each request of TMS waits for its time at least; other dialects were never measured, and wait for nothing."""
    seen = await standin.http.get(CLIENT, headers=CALLER)
    await put(standin, {"scenario": "dev-server", "seed": 3})
    loop = asyncio.get_running_loop()
    for number in range(5):
        started = loop.time()
        answer = await standin.http.get(CLIENT, headers=CALLER)
        assert (answer.status_code, answer.content) == (200, seen.content)
        assert loop.time() - started >= milliseconds("getclient", 1, draw(3, "getclient", number)) / 1000 - 0.002
    assert (await standin.http.post(CREATE_KEY, headers=CALLER, json=KEY)).status_code == 201
    assert (await standin.http.get("/oauth2/jwks")).status_code == 200
    expected = {"seed": 3, "scenario": "dev-server", "rules": [], "matched": 6, "struck": 6}
    assert (await standin.http.get(FAULTS)).json() == expected


async def test_the_dev_server_counts_what_is_under_way(standin):
    """Fifty requests at once take the time of fifty users, of which each one is under way, and then none is."""
    await put(standin, {"scenario": "dev-server"})
    started = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(standin.http.post(CREATE_KEY, headers=CALLER, json=KEY) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    times = [milliseconds("createkey", number + 1, draw(0, "createkey", number)) for number in range(50)]
    assert asyncio.get_running_loop().time() - started >= max(times[40:]) / 1000 - 0.02
    board, first = standin.parts.steering.board, standin.parts.steering.state.faults["first_tally"]
    at = first + 2 * KINDS.index("createkey")
    assert [board.counted(at), board.counted(at + 1)] == [50, 50]


class ManyUnderWay:
    """Tallies of a hundred users, at the number of a request that takes very long."""

    def __init__(self):
        self.number = next(number for number in count() if draw(0, "createkey", number) > 0.9995)
        self.left = self.number - 99

    async def count(self, tally):
        """Count who leaves; who enters gets the number."""
        self.left += tally % 2
        return self.number

    async def counted(self, _tally):
        """Return how many have left."""
        return self.left


async def test_a_client_that_leaves_the_dev_server(standin):
    """Nothing is done for it, and it is not under way any more."""

    async def receive():
        return {"type": "http.disconnect"}

    async def unreachable(*_):
        raise AssertionError

    tallies, scope = ManyUnderWay(), {"method": "POST", "raw_path": CREATE_KEY.encode(), "headers": []}
    before = tallies.left
    request = Request(standin.parts, NAMES["create_key"], scope, receive, unreachable)
    with pytest.raises(ConnectionDropped):
        await DevServer(0, tallies).meet(request, unreachable, asyncio.Event())
    assert tallies.left == before + 1


async def test_nine_users_never_hang(standin):
    """Nor does anybody whose request asks no database."""
    await put(standin, {"scenario": "hang-0.1.0"})
    for _ in range(2):
        answers = await asyncio.gather(
            *(standin.http.get(CLIENT, headers=CALLER) for _ in range(9)),
            *(standin.http.get(path) for path in (VERSION, HELLO, "/oauth2/jwks") for _ in range(9)),
        )
        assert {answer.status_code for answer in answers} == {200}
    expected = {"seed": 0, "scenario": "hang-0.1.0", "rules": [], "matched": 18, "struck": 0}
    assert (await standin.http.get(FAULTS)).json() == expected


async def test_requests_under_way_are_answered_when_the_scenario_goes(standin):
    """Those that were kept for a moment and those that hang alike."""
    await put(standin, {"scenario": "hang-0.1.0"})
    requests = [asyncio.create_task(standin.http.get(CLIENT, headers=CALLER)) for _ in range(9)]
    await asyncio.sleep(0.01)
    await standin.http.delete(FAULTS)
    assert [answer.status_code for answer in await asyncio.gather(*requests)] == [200] * 9


def test_a_name_that_is_no_operation_of_tms_is_no_kind_of_request():
    """The document of TMS has 44 operations, and each of them has a kind."""
    kinds = [kind_of(named) for named in NAMES.values() if isinstance(named, Named) and named.operation_id]
    assert (len(kinds), set(kinds)) == (44, set(KINDS))
