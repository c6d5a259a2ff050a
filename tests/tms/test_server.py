"""E01 and E02: the endpoints that touch no record."""

import pytest

from tests.tms.conftest import same


async def test_hello(client):
    """A greeting in plain text, with the first name of the query."""
    texts = {
        "": "hello!",
        "?other=1": "hello!",
        "?name=Bo": "hello, Bo!",
        "?name=": "hello, !",
        "?name": "hello, !",
        "?name=x&name=y": "hello, x!",
        "?name=a+b%26%C3%A9": "hello, a b&é!",
    }
    answers = {query: await client.get(f"/v1/tms/hello{query}") for query in texts}
    assert {query: answer.text for query, answer in answers.items()} == texts
    kinds = {(answer.status_code, answer.headers["content-type"]) for answer in answers.values()}
    assert kinds == {(200, "text/plain; charset=utf-8")}


@pytest.mark.parametrize(("wire", "commit"), [("0.3.0", "1fd2b61"), ("0.1.0", "15cad37")])
async def test_version(client, wire, commit):
    """The release that is stood in for, every value a string."""
    text = (
        f'{{"git_branch":"main","git_commit":"{commit}","git_dirty":"false","result_code":"0","result_msg":"success",'
        f'"rustc_version":"rustc 1.95.0 (59807616e 2026-04-14)","source_ts":"2026-04-21T15:02:11Z",'
        f'"tms_version":"{wire}"}}'
    )
    same(await client.get("/v1/tms/version"), 200, text)


async def test_neither_looks_at_a_header(client):
    """Unusable credentials and an unknown tenant change nothing."""
    headers = {"X-TMS-TENANT": "nowhere", "X-TMS-CLIENT-ID": "nobody", "X-TMS-CLIENT-SECRET": ""}
    assert (await client.get("/v1/tms/hello", headers=headers)).text == "hello!"
    assert (await client.get("/v1/tms/version", headers=headers)).status_code == 200
