"""`serve`: its help, and that it is what no command at all is."""

import pytest

from app.settings import settings_table
from tests.command.conftest import run_apart


def test_help_lists_the_settings(run):
    """--help names every key with its line of help, in order, and starts nothing."""
    status, output, errors = run("serve", "--help")
    assert (status, errors) == (0, "")
    told = " ".join(output.partition("upper-case name):\n")[2].split())
    assert told == " ".join(f"{setting.key} {setting.help}" for setting in settings_table())


@pytest.mark.parametrize("arguments", [[], ["serve"]])
def test_a_refused_start(tmp_path, arguments):
    """With and without the word, a wrong setting ends the start with its sentence and status 2."""
    sentence = 'TMS_STANDIN_HTTP_PORT must be a whole number, not "abc".\n'
    assert run_apart(*arguments, cwd=tmp_path, TMS_STANDIN_HTTP_PORT="abc") == (2, "", sentence)
    assert list(tmp_path.iterdir()) == []
