"""Which requests a rule strikes: by operation, client, tenant, count, every n-th, probability, and in which order."""

import asyncio

import pytest

from tests.faults.conftest import CLIENT, HELLO, TEAPOT, VERSION, counts, put_rules, statuses
from tests.oauth.driver import PUBLIC, basic
from tests.seeded import CALLER


@pytest.mark.parametrize("operation", ["get_version", "GET /v1/tms/version"])
async def test_an_operation_by_both_of_its_names(standin, operation):
    """Neither its neighbours are struck nor the control plane."""
    await put_rules(standin, {"operation": operation, "do": TEAPOT})
    assert await statuses(standin, 2) == [418, 418]
    assert (await standin.http.head(VERSION)).status_code == 418
    assert await statuses(standin, 1, HELLO) == [200]
    assert await statuses(standin, 1, "/_standin/clock") == [200]
    assert await counts(standin) == [(3, 3)]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("GET /oauth2/jwks", "/oauth2/jwks"),
        ("GET /oauth2/jwks", "/issuers/a/oauth2/jwks"),
        ("GET /v3/oauth2/hello", "/v3/oauth2/hello"),
        ("GET /v3/oauth2/hello", "/tenants/dev/v3/oauth2/hello"),
        ("GET /v1/tms/client/{client_id}", CLIENT),
    ],
)
async def test_a_template_of_any_dialect(standin, template, path):
    """Prefixes of issuers and tenants do not matter."""
    await put_rules(standin, {"operation": template, "do": TEAPOT})
    assert await statuses(standin, 1, path) == [418]
    assert await statuses(standin, 1) == [200]


async def test_a_rule_without_operation_takes_all(standin):
    """Whatever is no endpoint too."""
    await put_rules(standin, {"do": TEAPOT})
    assert [(await statuses(standin, 1, path))[0] for path in (VERSION, "/oauth2/jwks", "/spec", "/nowhere")] == [
        418
    ] * 4


@pytest.mark.parametrize("member", ["client_id", "tenant"])
async def test_a_header_chooses(standin, member):
    """The header must be there and have this very value."""
    name, value = {"client_id": ("X-TMS-CLIENT-ID", "testclient1"), "tenant": ("X-TMS-TENANT", "test")}[member]
    await put_rules(standin, {member: value, "do": TEAPOT})
    assert await statuses(standin, 1, headers=CALLER) == [418]
    for headers in ({}, {name: ""}, {name: value.upper()}, {name: f"{value}x"}):
        assert await statuses(standin, 1, headers=headers) == [200]
    assert await counts(standin) == [(1, 1)]


async def test_all_that_a_rule_names_must_be_so(standin):
    """One of three that differs lets the request pass."""
    await put_rules(standin, {"operation": "get_client", "client_id": "testclient1", "tenant": "test", "do": TEAPOT})
    assert await statuses(standin, 1, CLIENT, headers=CALLER) == [418]
    assert await statuses(standin, 1, headers=CALLER) == [200]
    assert await statuses(standin, 1, CLIENT, headers={**CALLER, "X-TMS-TENANT": "default"}) == [401]
    assert await counts(standin) == [(1, 1)]


TOKEN = "/oauth2/token"
REFRESH = {"grant_type": "refresh_token", "refresh_token": "x"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (TOKEN, {"data": {**REFRESH, "client_id": PUBLIC}}),
        (TOKEN, {"data": REFRESH, "headers": basic(PUBLIC, "")}),
        (TOKEN, {"data": REFRESH, "headers": {"X-TMS-CLIENT-ID": PUBLIC}}),
        (f"{TOKEN}?client_id={PUBLIC}", {"data": REFRESH}),
        ("/v3/oauth2/device/code", {"json": {"client_id": PUBLIC}}),
        ("/v3/oauth2/tokens", {"json": REFRESH, "headers": basic(PUBLIC, "key")}),
        ("/oauth2/nowhere", {"json": {"client_id": PUBLIC}}),
    ],
)
async def test_an_oauth_client_chooses(standin, path, shown):
    """By the TMS header, by Basic, in the query or in the body, a form or JSON."""
    await put_rules(standin, {"client_id": PUBLIC, "do": TEAPOT})
    assert (await standin.http.post(path, **shown)).status_code == 418


@pytest.mark.parametrize(
    "shown",
    [
        {"data": {**REFRESH, "client_id": "other"}},
        {"data": REFRESH},
        {"json": {"client_id": ["device-public"]}},
        {"json": ["device-public"]},
        {"content": b'{"client_id": "device-public"', "headers": {"content-type": "application/json"}},
        {"content": b"client_id=device-public&" + b"a=&" * 101, "headers": {"content-type": "text/plain"}},
        {"content": b"x" * 65_537 + b"&client_id=device-public"},
        {"data": REFRESH, "headers": {"authorization": "Basic device-public"}},
        {"data": REFRESH, "headers": {"authorization": "Bearer device-public"}},
    ],
)
async def test_another_oauth_client_passes_untouched(standin, shown):
    """The endpoint reads the body that was looked into before, and answers as without rules."""
    before = await standin.http.post(TOKEN, **shown)
    await put_rules(standin, {"client_id": PUBLIC, "do": TEAPOT}, {"client_id": "nobody", "do": TEAPOT})
    after = await standin.http.post(TOKEN, **shown)
    assert (after.status_code, after.content) == (before.status_code, before.content)
    assert await counts(standin) == [(0, 0), (0, 0)]


async def test_a_body_that_was_looked_into_is_not_lost(standin):
    """A device flow begins as without rules."""
    await put_rules(standin, {"client_id": "nobody", "do": TEAPOT})
    assert (await standin.begin())["interval"] == 5


async def test_a_tms_request_shows_its_client_by_header_alone(standin):
    """What stands in its body or query is another client's business."""
    await put_rules(standin, {"client_id": "testclient1", "do": TEAPOT})
    answer = await standin.http.get(
        VERSION, params={"client_id": "testclient1"}, headers=basic("testclient1", "secret1")
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("chosen", "struck"),
    [
        ({"count": 2}, [1, 2]),
        ({"every": 1}, [1, 2, 3, 4, 5, 6, 7]),
        ({"every": 3}, [3, 6]),
        ({"count": 4, "every": 2}, [2, 4]),
        ({"count": 3, "every": 3}, [3]),
        ({"probability": 1}, [1, 2, 3, 4, 5, 6, 7]),
        ({"count": 5, "every": 2, "probability": 1.0}, [2, 4]),
    ],
)
async def test_which_matches_are_struck(standin, chosen, struck):
    """Of seven matches, counted from one; requests that do not match are not counted."""
    await put_rules(standin, {"operation": "get_version", **chosen, "do": TEAPOT})
    seen = []
    for number in range(1, 8):
        await statuses(standin, 1, HELLO)
        seen += [number] if await statuses(standin, 1) == [418] else []
    assert seen == struck
    assert await counts(standin) == [(7, len(struck))]


async def test_a_probability_is_the_same_in_every_run(standin):
    """Two runs with one seed strike alike, another seed strikes others, and about as many as were asked for."""

    async def run(seed):
        await put_rules(standin, {"probability": 0.3, "do": TEAPOT}, seed=seed)
        return await statuses(standin, 200)

    first, again, other = await run(5), await run(5), await run(6)
    assert first == again
    assert first != other
    assert 40 <= first.count(418) <= 80


async def test_two_rules_with_a_probability_decide_apart(standin):
    """The second one is no shadow of the first."""
    await put_rules(standin, {"probability": 0.5, "do": {"delay_ms": 0.01}}, {"probability": 0.5, "do": TEAPOT})
    seen = []
    for _ in range(40):
        before = (await counts(standin))[0][1]
        [status] = await statuses(standin, 1)
        seen.append(((await counts(standin))[0][1] > before, status))
    assert len(set(seen)) == 4


async def test_the_first_rule_that_strikes_decides(standin):
    """The rules behind it do not count the request; one that does not strike lets it on."""
    await put_rules(
        standin,
        {"operation": "get_version", "count": 1, "do": {"status": 501}},
        {"operation": "get_version", "count": 1, "do": {"status": 502}},
        {"do": {"status": 503}},
    )
    assert await statuses(standin, 3) == [501, 502, 503]
    assert await statuses(standin, 1, HELLO) == [503]
    assert await counts(standin) == [(3, 1), (2, 1), (2, 2)]


async def test_a_delay_goes_on_to_the_next_rule(standin):
    """So a slow failure is made of two rules."""
    await put_rules(standin, {"do": {"delay_ms": 1}}, {"do": TEAPOT})
    assert await statuses(standin, 1) == [418]
    assert await counts(standin) == [(1, 1), (1, 1)]


async def test_counting_begins_anew_with_every_set(standin):
    """A rule that is set again strikes again, and the counts are those of the rules that are set."""
    for _ in range(6):
        await put_rules(standin, {"count": 1, "do": TEAPOT})
        assert await counts(standin) == [(0, 0)]
        assert await statuses(standin, 2) == [418, 200]


async def test_the_same_rules_again_let_go_of_what_hangs(standin):
    """However often something else was set in between; they are new ones, which count from zero."""
    await put_rules(standin, {"do": {"hang": True}, "count": 1})
    hanging = asyncio.create_task(standin.http.get("/v1/tms/version"))
    async with asyncio.timeout(30):
        while await counts(standin) != [(1, 1)]:  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.01)
        for _ in range(3):
            await standin.http.post("/_standin/clock/advance", json={"seconds": 1})
        await put_rules(standin, {"do": {"hang": True}, "count": 1})
        assert (await hanging).status_code == 200
    assert await counts(standin) == [(0, 0)]


async def test_what_else_is_set_leaves_the_counts(standin):
    """A clock that is moved or a mode that is changed is no new rule."""
    await put_rules(standin, {"count": 1, "do": TEAPOT})
    assert await statuses(standin, 1) == [418]
    await standin.http.put("/_standin/clock", json={"mode": "offset", "offset_seconds": 60})
    await standin.http.patch("/_standin/settings", json={"strict": True})
    assert await statuses(standin, 1) == [200]
    assert await counts(standin) == [(2, 1)]
