"""The short form of `python -m tests.load.moving`."""

import re
import subprocess

import pytest

from tests.load.moving import main, moved

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")


def test_the_table(capsys):
    """Every step has its figures, and all keys arrive (main checks it)."""
    assert main(["--keys", "20"]) == 0
    told = re.sub(r"[\d.,]+(?= (s|keys/s|MiB)\b)", "N", capsys.readouterr().out)
    assert [" ".join(line.split()) for line in told.splitlines()] == [
        "20 keys took memory",
        "export from SQLite N s N keys/s N MiB",
        "import into PostgreSQL N s N keys/s N MiB",
        "export from PostgreSQL N s N keys/s N MiB",
        "import into SQLite N s N keys/s N MiB",
        "moving: 20 of 20 keys are there after both ways",
    ]


def test_lost_keys(monkeypatch):
    """Fewer keys at the end are a failure."""
    monkeypatch.setattr("tests.load.moving.measured", lambda _folder, _keys: [["step", "", "", ""]])
    monkeypatch.setattr("tests.load.moving.count", lambda _path: 20)
    assert main(["--keys", "20"]) == 1


def test_a_step_that_fails(tmp_path):
    """It ends the measurement."""
    with pytest.raises(subprocess.CalledProcessError, match="exit status 2"):
        moved("import", "--database", "sqlite://", str(tmp_path / "nowhere.sqlite"))
