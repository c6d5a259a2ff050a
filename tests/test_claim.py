"""Files that are to be mapped have all their room, or the start is refused."""

import os
import resource
from contextlib import closing
from pathlib import Path

import pytest

from app.claim import claim
from app.errors import StartRefused


@pytest.fixture
def file(tmp_path):
    """Give a new file."""
    with closing((tmp_path / "mapped").open("wb")) as opened:
        yield opened


def test_every_byte_has_its_room(file):
    """The blocks are there before anything is written, and a second claim changes nothing."""
    for _ in range(2):
        claim(file.fileno(), Path(file.name), 100_000)
        found = os.fstat(file.fileno())
        assert (found.st_size, found.st_blocks * 512 >= 100_000) == (100_000, True)


def test_a_full_disk_refuses_the_start(file):
    """In one sentence, with the file's name; a limit on its size stands for the disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StartRefused) as refused:
            claim(file.fileno(), Path(file.name), 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(refused.value) == f"{file.name}: File too large, expected room for 100000 bytes."
