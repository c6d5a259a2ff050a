"""The page asks the control plane in process."""

from starlette.requests import Request
from starlette.routing import Mount

from app.page.inner import Answer, ask


async def asked(standin, *call, **query):
    """Ask from within a request of the control plane; its own router is found by a first request from outside."""
    routes = standin.http._transport.app.router.routes
    [plane] = [route.app for route in routes if isinstance(route, Mount) and route.path == "/_standin"]
    await standin.http.get("/_standin/health/live")
    found = {}

    async def probe(request: Request) -> None:
        found["answer"] = await ask(request, *call, query=query)

    path = f"/probe{len(plane._plane.router.routes)}"
    plane._plane.add_api_route(path, probe, methods=["POST"])
    await standin.http.post(f"/_standin{path}", headers={"authorization": "Bearer t0ken"})
    return found["answer"]


async def test_an_answer(standin):
    """Status and decoded JSON."""
    assert await asked(standin, "GET", "/health/live") == Answer(200, {"status": "alive"})


async def test_a_body_and_a_query(standin):
    """Both arrive, although the request outside has neither."""
    answer = await asked(standin, "PATCH", "/settings", {"strict": True})
    assert (answer.status, answer.body["strict"], answer.sentence) == (200, True, None)
    answer = await asked(standin, "GET", "/records", table="tenants", limit=1)
    assert [record["tenant"] for record in answer.body["records"]] == ["test"]


async def test_a_refusal_has_its_sentence(standin):
    """The problem's detail; nothing has changed."""
    answer = await asked(standin, "PATCH", "/settings", {"strict": 1})
    assert (answer.status, answer.sentence) == (422, "strict must be a valid boolean.")
    assert not standin.parts.modes.strict


async def test_an_answer_without_a_body(standin):
    """None, and no sentence."""
    answer = await asked(standin, "DELETE", "/faults")
    assert (answer.status, answer.body, answer.sentence) == (204, None, None)


async def test_the_token_was_asked_for_outside_already(standin_for):
    """A call from within needs none."""
    standin = await standin_for(control_token="t0ken")
    assert (await asked(standin, "GET", "/health/live")).status == 200
