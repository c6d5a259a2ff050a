"""Plays the recordings of the real servers against any TMS server. It judges by conformance.py, which made them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import conformance

GOLDENS = Path(__file__).parent / "goldens"
VERSIONS = ("0.3.0", "0.1.0")
SETUPS = ("standard", "mvp", "closed", "no-clients")
ANSWER_SECONDS = 30

Scenario = dict[str, Any]


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


def differences(recording: Recording, scenario: Scenario, url: str, secrets: Mapping[str, str]) -> list[str]:
    """Play a scenario and return one text for each answer that differs: the request, each field wanted and got.

    `secrets` has those of the administrators: admin_default and admin_test. Raises OSError where nobody answers.
    """
    answers = conformance.play(scenario, url, dict(secrets), ANSWER_SECONDS)
    pairs = [
        (step, step["answer"] if recording.quirks == "real" else step.get("intended", step["answer"]), answer)
        for step, answer in zip(scenario["steps"], answers, strict=True)
    ]
    return ["\n".join(_difference(step, wanted, got)) for step, wanted, got in pairs if wanted != got]


def _difference(step: Scenario, wanted: Scenario, got: Scenario) -> Iterator[str]:
    yield f"{step['id']}  {step['request']['method']} {step['request']['path']}"
    for field in wanted | got:
        if wanted.get(field) != got.get(field):
            yield f"    {field}: wanted {wanted.get(field)!r}\n        got {got.get(field)!r}"
