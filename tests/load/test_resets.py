"""The short form of `python -m tests.load.resets`."""

import re

import pytest

from tests.load.resets import main

pytestmark = pytest.mark.system("wrk", "wrk")


def test_the_table(capsys):
    """Every row has its figure, and as many keys are restored as were there (main checks it)."""
    assert main(["--keys", "50", "--resets", "5"]) == 0
    told = re.sub(r"-?[\d.]+(?= (s|ms|ns)\b|%)", "N", capsys.readouterr().out)
    lines = [" ".join(line.split()) for line in told.splitlines()]
    [keys] = {int(found[1]) for line in lines if (found := re.search(r"(\d+) keys", line))}
    assert keys >= 50
    assert lines == [
        "what took",
        "reset, 5 times N s in all median N ms",
        f"reset, {keys} keys N ms",
        f"save {keys} keys N s",
        f"restore {keys} keys N s slowest N s",
        "control plane, nothing set N ns N% of a getversion without its socket",
    ]
