"""Makes requests up after a document, one by one and in chains, and has the judge send them."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FlakyFailure, NoSuchExample, Unsatisfiable
from hypothesis.strategies import integers
from schemathesis import GenerationMode
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.openapi import from_dict

from .allowed import DROPPED
from .judge import DroppedError, FoundError, Judge
from .right import lay

_STEPS = 8
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

Barren = set[tuple[str, GenerationMode]]


class Driver:
    """Sends to one server what is made up after one document, until a moment or as much as is asked for.

    `barren` keeps what can have no wrong request, such as an endpoint without parameters, from one driver to the next.
    """

    def __init__(self, document: dict[str, Any], judge: Judge, barren: Barren, ends: float | None = None) -> None:
        self._document = document
        self._judge = judge
        self._barren = barren
        self._ends = ends

    @property
    def is_over(self) -> bool:
        """Whether the moment has come."""
        return self._ends is not None and time.monotonic() > self._ends

    def drive(self, number: int, examples: int, every: int = 1) -> Iterator[str]:
        """Yield a find for each operation and way that has one; of the operations only `every` second, third and so on."""
        for place, found in enumerate(from_dict(self._document).get_all_operations()):
            for mode in _MODES if (place + number) % every == 0 else ():
                operation = found.ok()
                if not self.is_over and (operation.label, mode) not in self._barren:
                    yield from self._tried(operation, mode, number, examples)
        if not self.is_over:
            yield from self._chained(number, examples)

    def _tried(self, operation: Any, mode: GenerationMode, number: int, examples: int) -> Iterator[str]:
        @seed(number)
        @_settings(examples)
        @given(operation.as_strategy(generation_mode=mode), integers(0, 2**32))
        def send(case: schemathesis.Case, luck: int) -> None:
            if self.is_over:
                return
            if mode == GenerationMode.POSITIVE:
                lay(case, Random(f"{number} {luck}"))
            with suppress(DroppedError):
                self._judge.ask(case)

        try:
            yield from _find_of(send)
        except (Unsatisfiable, NoSuchExample):
            self._barren.add((operation.label, mode))

    def _chained(self, number: int, examples: int) -> Iterator[str]:
        """Follow the document's links from answer to answer. The lists that may drop the connection are left out."""
        schema = from_dict(self._document).exclude(operation_id=sorted(DROPPED))
        if not schema.statistic.transitions.total:
            return
        driver, luck = self, Random(number)

        class Chain(schema.as_state_machine()):  # type: ignore[misc] # made at run time
            def step(self, input: StepInput) -> StepOutput:  # noqa: A002 - the library's own name
                lay(input.case, luck, [str(name) for _, name in input.applied_parameters])
                return StepOutput(driver._judge.ask(input.case), input.case)

        seed(number)(Chain)
        yield from _find_of(lambda: Chain.run(settings=_settings(examples, stateful_step_count=_STEPS)))


def _settings(examples: int, **others: Any) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        **others,
    )


def _find_of(run: Callable[[], None]) -> Iterator[str]:
    """Yield the find that ends a run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of schemathesis, about its own choices
            run()
    except FoundError as found:
        yield str(found)
    except FlakyFailure as failure:  # It was slow once, and not when it was tried again: hypothesis tells both.
        yield str(failure.exceptions[0])
