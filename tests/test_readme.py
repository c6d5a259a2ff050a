"""The README's tables say what the code says."""

import re
import tomllib
from pathlib import Path

from app.settings import Setting, settings_table
from app.tms import OPERATIONS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def shown(value):
    """Return a default as the README writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{value}`"


def row(setting: Setting):
    """Return a setting's line of the table."""
    return f"| `{setting.key}` | `{setting.environment}` | {shown(setting.default)} | {setting.help} |"


def test_the_table_of_settings_is_the_code():
    """Every setting stands there with its key, its variable, its default and its help, in order, and no other."""
    table = [line for line in README.splitlines() if "`TMS_STANDIN_" in line and line.startswith("| `")]

    assert table == [row(setting) for setting in settings_table()]


def test_the_number_of_endpoints_is_the_code():
    """The README promises as many endpoints as there are."""
    assert f"All {len(OPERATIONS)} endpoints of TMS" in README


def test_every_file_that_is_named_is_there():
    """Links and pictures lead to files of the repository."""
    targets = [part.partition(")")[0] for part in README.split("](")[1:]]
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]

    assert missing == []


def test_every_dependency_has_its_reason():
    """The table of dependencies names each package that is installed on purpose."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    table = README.partition("## Dependencies")[2].lower()

    assert [name for name in named if re.split(r"[\[;]", name)[0].lower() not in table] == []
