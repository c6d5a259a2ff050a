"""Turns the bench's figures into tables, Markdown and one chart. It measures nothing."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from xml.etree import ElementTree

import pygal
from pygal.style import Style

# pygal hooks into Python's imports for plug-ins, in a way that pytest trips over and Python 3.12 drops; none is used.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

GOAL_CONNECTIONS = 50
RATIO_GOALS = {
    "getversion": 0.80,
    "getclient": 0.42,
    "getkey": 0.50,
    "createkey": 0.105,
    "deviceauth": 0.17,
    "poll": 0.17,
}
P99_GOALS = dict.fromkeys(("getversion", "getclient", "getkey", "createkey"), 25.0)
MEMORY_GOAL = 150.0
START_GOAL = 0.6
LOG_GOAL = 0.05
ABANDONED_GOAL = 0.9
SWEEP_GOAL = 0.5

SVG = "{http://www.w3.org/2000/svg}"
INK, BAR, GOAL = "#24292f", "#2f6f9f", "#c9d1d9"


@dataclass(frozen=True)
class Row:
    """One run: rates in requests a second, latencies in ms, CPU seconds per 1,000 requests, memory in MiB.

    `ratio` is to the mean rate of the yardstick's runs at the same number of connections. `cpu_ratio` is the
    yardstick's CPU seconds per request to these: the same figure where nothing else takes the cores, and steadier.
    `others` is how many cores were busy with neither the server nor wrk: well above 0.3, the run was disturbed.
    """

    request: str
    connections: int
    requests: int
    rate: float
    ratio: float
    p50: float
    p99: float
    max: float
    cpu: float
    cpu_ratio: float
    others: float
    memory: float


@dataclass(frozen=True)
class Abandoned:
    """What flows that nobody polls do: the ratio of polls of other flows `alone` and `among` so many of them.

    `swept` is that ratio while a sweep deletes those, expired; `left` is how many it left, in about `seconds`.
    """

    flows: int
    alone: float
    among: float
    swept: float
    left: int
    seconds: float
    failures: list[str]

    def share(self, ratio: float) -> float:
        """Return a ratio as a share of that of polls alone."""
        return ratio / self.alone if self.alone else 0.0


@dataclass(frozen=True)
class Report:
    """Everything that one bench run found. None: not measured. Seconds, MiB, requests a second."""

    environment: dict[str, str]
    rows: list[Row]
    memory_idle: float
    keys: int
    memory_filled: float | None
    starts: list[float]
    start: float
    log_rate: float
    silent_rate: float
    log_share: float
    abandoned: Abandoned
    failures: list[str]


@dataclass(frozen=True)
class Verdict:
    """A goal beside what was measured, both written out."""

    what: str
    goal: str
    measured: str
    met: bool


def verdicts(report: Report) -> list[Verdict]:
    """Return every goal that was measured with its verdict."""
    judged = [row for row in report.rows if row.connections == GOAL_CONNECTIONS and row.request in RATIO_GOALS]
    at = f"at {GOAL_CONNECTIONS} connections"
    ratios = [
        Verdict(
            f"{row.request} {at}, ratio to the yardstick",
            f"{RATIO_GOALS[row.request]:g}",
            f"{row.ratio:.3f}",
            row.ratio >= RATIO_GOALS[row.request],
        )
        for row in judged
    ]
    latencies = [
        Verdict(f"{row.request} {at}, p99", f"below {goal:g} ms", f"{row.p99:.1f} ms", row.p99 < goal)
        for row in judged
        if (goal := P99_GOALS.get(row.request))
    ]
    return [*ratios, *latencies, *_other_verdicts(report)]


def _other_verdicts(report: Report) -> list[Verdict]:
    filled, share = report.memory_filled, report.log_share
    start = Verdict("start to ready", f"{START_GOAL:g} s", f"{report.start:.2f} s", report.start <= START_GOAL)
    what = "request log's share of getversion's CPU"
    log = Verdict(what, f"at most {LOG_GOAL:.0%}", f"{share:.1%}", share <= LOG_GOAL)
    others = [start, log, *_verdicts_on_abandoned(report.abandoned)]
    if filled is None:
        return others
    what = f"memory after {report.keys:,} keys"
    return [*others, Verdict(what, f"{MEMORY_GOAL:g} MiB", f"{filled:.0f} MiB", filled <= MEMORY_GOAL)]


def _verdicts_on_abandoned(found: Abandoned) -> list[Verdict]:
    among, swept = found.share(found.among), found.share(found.swept)
    polls = f"polls among {found.flows:,} abandoned flows, as a share of polls without"
    sweep = f"polls while {found.flows:,} expired flows are deleted, as a share of polls without"
    left = f"of {found.flows:,} expired flows, left after a sweep"
    return [
        Verdict(polls, f"{ABANDONED_GOAL:.0%}", f"{among:.0%}", among >= ABANDONED_GOAL),
        Verdict(sweep, f"{SWEEP_GOAL:.0%}", f"{swept:.0%}", swept >= SWEEP_GOAL),
        Verdict(left, "0", f"{found.left:,}", found.left == 0),
    ]


def _measurements(report: Report) -> list[list[str]]:
    latencies = ["p50 ms", "p99 ms", "max ms"]
    header = [
        "connections",
        "request",
        "requests/s",
        "ratio",
        "goal",
        *latencies,
        "CPU s per 1000",
        "CPU ratio",
        "other cores",
        "MiB",
    ]
    return [header, *[_cells(row) for row in report.rows]]


def _cells(row: Row) -> list[str]:
    goal = RATIO_GOALS.get(row.request) if row.connections == GOAL_CONNECTIONS else None
    latencies = [f"{value:.2f}" for value in (row.p50, row.p99, row.max)]
    figures = [f"{row.rate:,.0f}", f"{row.ratio:.3f}", f"{goal:g}" if goal else "", *latencies]
    costs = [f"{row.cpu:.3f}", f"{row.cpu_ratio:.3f}", f"{row.others:.1f}", f"{row.memory:.0f}"]
    return [str(row.connections), row.request, *figures, *costs]


def _goals(report: Report) -> list[list[str]]:
    rows = [[one.what, one.goal, one.measured, "met" if one.met else "missed"] for one in verdicts(report)]
    return [["goal", "wanted", "measured", ""], *rows]


def _notes(report: Report) -> list[str]:
    starts = ", ".join(f"{seconds:.2f}" for seconds in report.starts)
    gone = report.abandoned
    rates = f"getversion {report.log_rate:,.0f} /s with it, {report.silent_rate:,.0f} /s without"
    return [
        ", ".join(f"{name} {value}" for name, value in report.environment.items()) + ".",
        f"Memory when idle, before the first load: {report.memory_idle:.0f} MiB; at the end {report.keys:,} keys.",
        f"Starts on that database, in seconds: {starts}; median {report.start:.2f}.",
        f"Request log, written to a file: {rates} (medians of runs in turns; the share is of CPU per request).",
        f"Polls alone: ratio {gone.alone:.3f}; among {gone.flows:,} abandoned flows {gone.among:.3f}.",
        f"Polls while those, expired, are deleted: ratio {gone.swept:.3f}; {gone.seconds:.0f} s later it was done.",
        *[f"FAILED: {failure}." for failure in [*report.failures, *gone.failures]],
    ]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in plain text; cells that start with a digit stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def plain(report: Report) -> str:
    """Return the whole report as plain text."""
    return "\n\n".join([aligned(_measurements(report)), aligned(_goals(report)), "\n".join(_notes(report))])


def markdown(report: Report) -> str:
    """Return the whole report as Markdown, for the README."""
    notes = "\n".join(f"- {note}" for note in _notes(report))
    return "\n\n".join([_markdown(_goals(report)), _markdown(_measurements(report)), notes]) + "\n"


def as_json(report: Report) -> str:
    """Return the whole report as JSON."""
    return json.dumps(asdict(report), indent=1) + "\n"


def chart(report: Report) -> str:
    """Return one SVG: the ratios at 50 connections (else at the most there were) beside the goals.

    It carries no script and no reference to another host.
    """
    counts = {row.connections for row in report.rows}
    connections = GOAL_CONNECTIONS if GOAL_CONNECTIONS in counts else max(counts)
    rows = [row for row in report.rows if row.connections == connections and row.request in RATIO_GOALS]
    yardstick = next(row for row in report.rows if row.connections == connections and row.request not in RATIO_GOALS)
    bars = _bars(f"{connections} connections, one process; 1.0 is a bare ASGI app: {yardstick.rate:,.0f} requests/s")
    bars.range = (0, max(1.0, *[row.ratio for row in rows]))
    bars.x_labels = [row.request for row in rows]
    bars.add("goal", [_bar(RATIO_GOALS[row.request], f"{RATIO_GOALS[row.request]:g}") for row in rows])
    bars.add("measured", [_bar(row.ratio, f"{row.ratio:.3f} ({row.rate:,.0f}/s)") for row in rows])
    return _without_scripts(bars.render())


def _bar(value: float, text: str) -> dict[str, object]:
    return {"value": value, "formatter": lambda _: text}


def _bars(title: str) -> pygal.Bar:
    sizes = dict.fromkeys(["title", "legend", "label", "major_label", "value", "value_label"], 13)
    style = Style(
        background="#ffffff",
        plot_background="#ffffff",
        foreground=INK,
        foreground_strong=INK,
        foreground_subtle="#57606a",
        font_family="system-ui, sans-serif",
        colors=(GOAL, BAR),
        value_colors=(INK, INK),
        opacity="1",
        guide_stroke_color="#d8dee4",
        major_guide_stroke_color="#d8dee4",
        **{f"{name}_font_size": size for name, size in sizes.items()},
    )
    bars = pygal.Bar(
        style=style,
        js=[],
        disable_xml_declaration=True,
        explicit_size=True,
        width=1220,
        height=380,
        margin=14,
        margin_bottom=0,
        title=title,
        y_labels=[0, 0.25, 0.5, 0.75, 1],
        legend_at_bottom=True,
        print_values=True,
        print_values_position="top",
    )
    bars.uuid = "bench"  # The drawing of the same figures is the same file.
    return bars


def _without_scripts(svg: bytes) -> str:
    """Return the drawing without pygal's scripts, comments and tooltips' coordinates."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{SVG}script", f"{SVG}desc"}:
                parent.remove(child)
    ElementTree.register_namespace("", SVG.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode") + "\n"
