"""Asks pip-audit about every pinned package and prints one table and one closing line: `make audit`.

It fails for a known vulnerability and for an installed version that is not the pinned one. Where no service of
advisories answers it says that nothing is known, which is no failure unless STRICT=1 asks for one.
"""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from typing import Any

from tests.servers import ROOT

PINNED = ROOT / "constraints.txt"
SERVICES = ("pypi", "osv")

Report = list[dict[str, Any]]


def asked(service: str) -> Report | None:
    """Return what a service knows of each pinned package, or None where it does not answer."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(PINNED), "--no-deps", "--disable-pip", "-f", "json"]
    command += ["-s", service, "--progress-spinner", "off", "--timeout", "10"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    try:
        return json.loads(run.stdout)["dependencies"]
    except ValueError:
        return None


def known(reports: list[Report | None]) -> Report:
    """Return the best report: the first with the fewest packages that its service knows nothing of."""
    answered = [report for report in reports if report]
    return min(answered, key=lambda report: sum("skip_reason" in each for each in report), default=[])


def strangers(pinned: str, installed: dict[str, str]) -> list[str]:
    """Return the installed packages whose version is not the pinned one."""
    wanted = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", pinned, re.MULTILINE))
    found = {name: version for name, version in wanted.items() if installed.get(normal(name), version) != version}
    return [f"{name}: {version} is pinned, {installed[normal(name)]} is installed" for name, version in found.items()]


def normal(name: str) -> str:
    """Return a package's name as all spellings of it share it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def judged(report: Report, others: list[str], strict: bool) -> tuple[int, list[str]]:
    """Return the exit status and the lines to print."""
    bad = [(each, found) for each in report for found in each.get("vulns", [])]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none yet'}"
        for each, found in bad
    ]
    audited = sum("skip_reason" not in each for each in report)
    lines += others
    if bad or others:
        return 1, [*lines, f"FAILED: {len(bad)} known vulnerabilities, {len(others)} versions that are not pinned."]
    if not report or audited < len(report):
        told = f"{audited} of {len(report)} packages audited" if report else "no package audited"
        return int(strict), [f"NOT KNOWN: {told}, since no service of advisories answers for the others."]
    return 0, [f"OK: {audited} packages audited, no known vulnerability."]


def main() -> int:
    """Audit and print."""
    installed = {normal(each.name): each.version for each in distributions()}
    report: Report = []
    for service in SERVICES:
        report = known([report, asked(service)])
        if report and not any("skip_reason" in each for each in report):
            break
    status, lines = judged(report, strangers(PINNED.read_text(), installed), os.environ.get("STRICT") == "1")
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
