"""The command `make scale` itself: its table, its closing line, and that it can fail. No process runs here."""

import pytest

from tests.replicas import throughput
from tests.replicas.__main__ import Checks, table
from tests.replicas.nginx import configuration
from tests.replicas.recordings import BAD_GATEWAY, as_seen_behind_nginx
from tests.replicas.throughput import Row


def test_a_check_that_fails_is_counted(capsys):
    """And the others run all the same."""
    checks = Checks()
    checks.run("first", lambda: None)
    checks.run("second", lambda: pytest.fail.Exception)
    checks.run("third", lambda: {}["missing"])
    assert (checks.done, checks.failures) == (3, ["third"])
    assert capsys.readouterr().out.splitlines()[2].endswith("s  third: FAILED: KeyError: 'missing'")


def test_the_table():
    """Rates, the ratio, p99, what a request costs each kind of process, and who has used the cores."""
    cores = {"stand-ins": 1.0, "PostgreSQL": 0.5, "nginx": 0.1, "wrk": 0.2, "other": 0.2}
    told = table([Row("PostgreSQL, 1 process", "getkey", 1000.0, 0.25, 12.3, cores)]).splitlines()
    assert (
        " ".join(told[1].split())
        == "PostgreSQL, 1 process getkey 1,000 0.25 12 1.00 0.50 0.10 1.00 0.50 0.10 0.20 0.20"
    )


def test_the_configuration_is_the_template_but_for_its_ports():
    """One line for each replica, everything else as compose.scale.yaml mounts it."""
    text = configuration(8000, [1, 2])
    assert text.count("server 127.0.0.1:1 ") == text.count("server 127.0.0.1:2 ") == 1
    assert "listen 127.0.0.1:8000;" in text
    assert "tms-standin:3000" not in text


def test_only_closed_connections_become_nginx_s_answer():
    """Every other answer is compared as it was recorded."""
    steps = [{"answer": {"status": 0}}, {"answer": {"status": 200}, "intended": {"status": 201}}]
    assert as_seen_behind_nginx({"name": "x", "steps": steps}) == {
        "name": "x",
        "steps": [{"answer": BAD_GATEWAY}, steps[1]],
    }


def test_every_request_of_the_load_suite_is_measured():
    """And the two of a device flow, codes before the polls that need them."""
    names = [scenario.name for scenario in throughput.SUITE]
    assert names == ["getversion", "getclient", "getkey", "createkey", "deviceauth", "poll"]
