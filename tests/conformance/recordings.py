"""Plays every recording against a real server process. It judges by conformance.py, the comparer that made them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conformance import conformance
from tests.servers import ADMIN_SECRET, STANDARD, Server, running

GOLDENS = Path(__file__).parent / "goldens"
VARIABLES = {"admin_default": ADMIN_SECRET, "admin_test": ADMIN_SECRET}
ANSWER_SECONDS = 30
SETUPS: dict[str, dict[str, object]] = {
    "standard": {},
    "mvp": {"enable_mvp": True},
    "closed": {"enable_test_tenant": False},
    "no-clients": {"new_clients": "disallow"},
}

Scenario = dict[str, list[dict[str, dict[str, object]]]]


@dataclass(frozen=True)
class Recording:
    """What one real server answered: its version, which answers of its known defects count, and its settings' name."""

    version: str
    quirks: str
    setup: str

    @property
    def title(self) -> str:
        """Return version and quirks, as 0.1.0 without: nothing of that version was recorded as a defect."""
        return self.version if self.version == "0.1.0" else f"{self.version}, quirks {self.quirks}"

    def scenarios(self) -> list[Scenario]:
        """Return the scenarios in the order in which they were recorded."""
        return conformance.scenarios(GOLDENS / self.version, self.setup)


RECORDINGS = [
    Recording(version, quirks, setup)
    for version, quirks in (("0.3.0", "intended"), ("0.3.0", "real"), ("0.1.0", "intended"))
    for setup in SETUPS
]


@contextmanager
def serving(recording: Recording, folder: Path) -> Iterator[Server]:
    """Run a server with the version, quirks and settings of a recording."""
    settings = STANDARD | SETUPS[recording.setup]
    with running(folder, wire_version=recording.version, quirks=recording.quirks, **settings) as server:
        yield server


def differences(recording: Recording, scenario: Scenario, url: str) -> list[str]:
    """Play a scenario and return one text for each answer that differs: the request, each field wanted and got."""
    answers = conformance.play(scenario, url, VARIABLES, ANSWER_SECONDS)
    pairs = [
        (step, step["answer"] if recording.quirks == "real" else step.get("intended", step["answer"]), answer)
        for step, answer in zip(scenario["steps"], answers, strict=True)
    ]
    return [_difference(step, wanted, got) for step, wanted, got in pairs if wanted != got]


def _difference(step: dict, wanted: dict, got: dict) -> str:
    fields = [field for field in wanted | got if wanted.get(field) != got.get(field)]
    return "\n".join(
        [
            f"{step['id']}  {step['request']['method']} {step['request']['path']}",
            *(f"    {field}: wanted {wanted.get(field)!r}\n        got {got.get(field)!r}" for field in fields),
        ]
    )
