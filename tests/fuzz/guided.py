"""Feeds a target what atheris makes, which watches what code an input reaches. Every target has a process of its own.

`python -m tests.fuzz.guided MODULE NAME WATCHED CORPUS [libFuzzer's options]` is that process: atheris owns it and never returns.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from .outcome import Find, Outcome
from .targets.target import Target

BY = "atheris"
ABSENT = "atheris is not installed (it is made for Linux and Python below 3.14), so hypothesis alone made the input."
ROOT = Path(__file__).parents[2]
_GRACE_SECONDS = 60
_HANG_SECONDS = 10
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)|Done (\d+) runs")
_RAISED = re.compile(r"=== Uncaught Python exception: ===\n(.+)")
_FOUND = ("crash-", "timeout-", "oom-", "leak-")


def is_installed() -> bool:
    """Return whether atheris is there."""
    return find_spec("atheris") is not None


def fed(target: Target, seconds: float, first_seed: int, runs: int = -1) -> Outcome:
    """Feed a target for some time, or for a number of runs; the first find ends it."""
    with tempfile.TemporaryDirectory(prefix="tms-standin-fuzz-") as name:
        folder = Path(name)
        corpus, dictionary = _prepare(folder, target)
        limits = [f"-max_total_time={max(1, round(seconds))}", f"-seed={first_seed + 1}", f"-runs={runs}"]
        others = [f"-timeout={_HANG_SECONDS}", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1"]
        places = [f"-dict={dictionary}", f"-artifact_prefix={folder}/"]
        command = [
            sys.executable,
            "-m",
            __name__,
            target.check.__module__,
            target.name,
            ",".join(target.watched),
            str(corpus),
            *limits,
            *others,
            *places,
        ]
        started = time.monotonic()
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + _GRACE_SECONDS,
        )
        return _outcome(target, time.monotonic() - started, done, folder)


def _environment() -> dict[str, str]:
    """Return this process's environment, without what would have the child measured: that is what atheris does."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "TMS_"))}


def _prepare(folder: Path, target: Target) -> tuple[Path, Path]:
    """Write the examples to a corpus and the tokens to a dictionary, as libFuzzer reads them."""
    corpus, dictionary = folder / "corpus", folder / "dictionary"
    corpus.mkdir()
    for number, example in enumerate(target.examples):
        (corpus / f"{number}").write_bytes(example)
    words = (token for token in target.tokens if 0 < len(token) < 64)  # libFuzzer's longest word
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words))
    return corpus, dictionary


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _outcome(target: Target, seconds: float, done: "subprocess.CompletedProcess[bytes]", folder: Path) -> Outcome:
    """Read the process's output. Raises RuntimeError where it ended otherwise than with a count or a find."""
    text = done.stdout.decode("utf-8", "replace")
    counts = [int(first or second) for first, second in _EXECUTED.findall(text)]
    finds = [path for path in sorted(folder.iterdir()) if path.name.startswith(_FOUND)]
    if not counts or (done.returncode and not finds):
        raise RuntimeError(f"the process for {target.name} ended with {done.returncode}:\n{text[-3000:]}")
    raised = _RAISED.search(text)
    sentence = raised[1] if raised else f"it ended by {finds[0].name.partition('-')[0]}" if finds else ""
    found = tuple(Find(sentence, path.read_bytes()) for path in finds[:1])
    return Outcome(target.name, BY, seconds, max(counts), found)


def _run(arguments: Sequence[str]) -> None:
    import atheris

    module, name, watched, *options = arguments
    with atheris.instrument_imports(include=watched.split(",")):
        check = next(target.check for target in import_module(module).targets() if target.name == name)
    atheris.Setup([sys.argv[0], *options], lambda data: check(bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    _run(sys.argv[1:])
