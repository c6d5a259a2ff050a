"""The contract and the recordings in this repository are those that all parts of the project share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative path."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder is not beside this clone")


@needs_shared
@pytest.mark.parametrize(
    ("copy", "original"),
    [("docs/contract", "contract"), ("app/conformance/goldens", "conformance/goldens")],
    ids=["contract", "goldens"],
)
def test_folder_equals_its_original(copy, original):
    """No file is missing, none is added, none is changed."""
    assert contents(ROOT / copy) == contents(SHARED / original)


@needs_shared
def test_comparer_equals_its_original():
    """The comparer is not edited here."""
    original = SHARED / "conformance/conformance.py"
    assert (ROOT / "app/conformance/conformance.py").read_bytes() == original.read_bytes()
