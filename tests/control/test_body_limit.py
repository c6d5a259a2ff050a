"""The size of a body: one that is too large is refused as a problem, announced or not, and never kept whole."""

import pytest

from app.control.body_limit import LARGEST_BODY
from tests.control.conftest import DEVICE, problem

JSON = {"content-type": "application/json"}
TOO_LARGE = "The body is larger than 1048576 bytes."


async def pieces(size):
    """Yield a body piece by piece, whose length no header announces."""
    for _ in range(size // 65_536):
        yield b" " * 65_536
    yield b" " * (size % 65_536)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(standin, announced):
    """413, and the flow stays as it was."""
    flow = await standin.begin()
    before = await standin.rows()
    size = LARGEST_BODY + 1
    content = b" " * size if announced else pieces(size)
    answer = await standin.http.post(f"{DEVICE}/{flow['user_code']}", content=content, headers=JSON)
    problem(answer, 413, "Request Entity Too Large", TOO_LARGE)
    assert await standin.rows() == before


async def test_reading_ends_early(standin):
    """Of a body without end no more is asked for than is refused."""
    asked = 0

    async def endless():
        nonlocal asked
        while True:
            asked += 1
            yield b" " * 65_536

    answer = await standin.http.post(f"{DEVICE}/BBBB-BBBB", content=endless(), headers=JSON)
    assert (answer.status_code, asked) == (413, LARGEST_BODY // 65_536 + 1)


async def test_the_largest_body(standin):
    """It is read."""
    flow = await standin.begin()
    body = b'{"action": "deny"}'.ljust(LARGEST_BODY)
    answer = await standin.http.post(f"{DEVICE}/{flow['user_code']}", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["status"]) == (200, "denied")
