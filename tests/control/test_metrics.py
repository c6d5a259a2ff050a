"""What Prometheus is told, read back with its own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

METRICS = "/_standin/metrics"
VERSION = "/v1/tms/version"
CLIENT = "/v1/tms/client/testclient1"


async def samples(standin, name):
    """Return the samples of one name, by their labels."""
    families = text_string_to_metric_families((await standin.http.get(METRICS)).text)
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in found}


async def test_requests_and_errors(standin):
    """By operation and class of status; the control plane's own requests are not counted."""
    for path in (VERSION, VERSION, CLIENT, "/nothing", "/nothing/else"):
        await standin.http.get(path)
    await standin.begin()
    await standin.http.get("/_standin/device")
    assert await samples(standin, "tms_standin_requests_total") == {
        ("get_version", "2xx"): 2,
        ("get_client", "4xx"): 1,
        ("POST /oauth2/device_authorization", "2xx"): 1,
        ("(other)", "4xx"): 2,
    }
    assert await samples(standin, "tms_standin_errors_total") == {
        ("get_version",): 0,
        ("get_client",): 1,
        ("POST /oauth2/device_authorization",): 0,
        ("(other)",): 2,
    }
    assert (await samples(standin, "tms_standin_request_duration_seconds_count"))["get_version",] == 2


async def test_batches_and_gauges(standin):
    """What has been committed, once more after a write; nobody waits, no key is ready, one process."""
    before = await samples(standin, "tms_standin_commit_batch_size_sum")
    await standin.begin()
    after = await samples(standin, "tms_standin_commit_batch_size_sum")
    assert 0 <= before[()] < after[()]
    counts = await samples(standin, "tms_standin_commit_batch_size_count")
    assert (await samples(standin, "tms_standin_commit_batch_size_bucket"))["+Inf",] >= counts[()] > 0
    for name, value in (("writer_queue", 0), ("rsa_keys_ready", 0), ("processes", 1)):
        assert await samples(standin, f"tms_standin_{name}") == {(): value}


async def test_device_flows(standin):
    """Every status is told, an expired one as such."""
    first, second = await standin.begin(), await standin.begin()
    await standin.begin(issuer="mine")
    await standin.approve(first)
    await standin.poll(first)
    await standin.deny(second)
    expected = {"pending": 1, "entered": 0, "approved": 0, "denied": 1, "redeemed": 1, "expired": 0}
    assert await samples(standin, "tms_standin_device_flows") == {(name,): n for name, n in expected.items()}
    standin.advance(601)
    told = await samples(standin, "tms_standin_device_flows")
    assert (told["pending",], told["expired",]) == (0, 1)


async def test_a_database_that_does_not_answer(standin_for, tmp_path):
    """The rest is told without the device flows."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    connection = standin.parts.store.writer.connection
    connection.execute("ALTER TABLE device_flows RENAME TO away")
    await standin.http.get(VERSION)
    assert await samples(standin, "tms_standin_device_flows") == {}
    assert (await samples(standin, "tms_standin_requests_total"))["get_version", "2xx"] == 1
    connection.execute("ALTER TABLE away RENAME TO device_flows")


async def test_the_process(standin):
    """Memory and CPU as every Prometheus dashboard knows them."""
    assert (await samples(standin, "process_resident_memory_bytes"))[()] > 1_000_000
    assert (await samples(standin, "process_cpu_seconds_total"))[()] > 0


@pytest.mark.parametrize(
    ("accept", "media_type", "last"),
    [
        ("", "text/plain", "\n"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF\n"),
    ],
)
async def test_both_formats(standin, accept, media_type, last):
    """Prometheus asks for the newer one."""
    answer = await standin.http.get(METRICS, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
    assert answer.text.endswith(last)


async def test_a_reset_keeps_the_counters(standin):
    """Prometheus would take a counter that falls for a restart."""
    await standin.http.get(VERSION)
    await standin.http.post("/_standin/reset")
    assert (await samples(standin, "tms_standin_requests_total"))["get_version", "2xx"] == 1
