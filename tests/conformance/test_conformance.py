"""Every answer that was recorded from the real servers, asked of a real process of the stand-in."""

from collections import Counter
from contextlib import ExitStack
from functools import lru_cache

import pytest

from tests.conformance.recordings import RECORDINGS, Recording, differences, serving

SCENARIOS = [
    pytest.param(recording, scenario, id=f"{recording.version}-{recording.quirks}-{scenario['name']}")
    for recording in RECORDINGS
    for scenario in recording.scenarios()
]


@pytest.fixture(scope="module")
def url_of(tmp_path_factory):
    """Return a function that gives the URL of a recording's server; one server plays all of its scenarios."""
    with ExitStack() as stack:

        @lru_cache(maxsize=1)
        def url(recording: Recording) -> str:
            stack.close()  # The scenarios come recording by recording, so the last one's server is done.
            return stack.enter_context(serving(recording, tmp_path_factory.mktemp("conformance"))).url

        yield url


@pytest.mark.parametrize(("recording", "scenario"), SCENARIOS)
def test_answers_equal_the_recording(recording, scenario, url_of):
    """Each answer of the scenario is the real server's, volatile values compared by their form."""
    found = differences(recording, scenario, url_of(recording))
    assert not found, f"{recording.title}, {recording.setup}\n" + "\n".join(found)


def test_every_recording_is_played():
    """Each version and each choice of quirks has all of its 475 answers here."""
    steps: Counter[str] = Counter()
    for recording in RECORDINGS:
        steps[recording.title] += sum(len(scenario["steps"]) for scenario in recording.scenarios())
    assert steps == {"0.3.0, quirks intended": 475, "0.3.0, quirks real": 475, "0.1.0": 475}
