"""How the page writes figures."""

from datetime import UTC, datetime

import pytest

from app.page import render


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("moment", "2026-11-24T03:04:05.678+00:00", "2026-11-24 03:04:05"),
        ("moment", datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC), "2026-11-24 03:04:05"),
        ("moment", None, ""),
        ("size", 270_336, "270 kB"),
        ("size", 12_345_678, "12.3 MB"),
        ("milliseconds", None, "\u2013"),
        ("milliseconds", 0.123, "0.12"),
        ("milliseconds", 12.34, "12.3"),
        ("milliseconds", 1234.5, "1234"),
    ],
)
def test_a_figure(name, value, text):
    """Three digits are enough."""
    assert render._environment().filters[name](value) == text


def test_a_file_has_a_version_of_its_own():
    """Which is part of its address."""
    versions = [render.version_of(name) for name in render.MEDIA_TYPES]
    assert len(set(versions)) == len(versions)
    assert {len(version) for version in versions} == {12}
