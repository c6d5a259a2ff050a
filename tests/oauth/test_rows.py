"""The table of rows.py is whole: each row of the contract is proved by tests that exist, or left out for a reason."""

import ast
import re
from functools import cache

import pytest

from tests.oauth.rows import LEFT_OUT, PROVED
from tests.servers import ROOT

CONTRACT = ROOT / "docs" / "contract" / "device_flow.md"
_ROW = re.compile(r"\| ([A-Z]+-\d+b?) \| ([^|]*) \| ([^|]*) \|")


def rows():
    """Return the level of each row of section 1, in its own words; those of 1.10 have none but `X`."""
    section = CONTRACT.read_text().partition("## 1. Conformance checklist")[2].partition("\n## 2.")[0]
    found = [match.groups() for match in map(_ROW.match, section.splitlines()) if match]
    levels = {row: "X" if row.startswith("X-") else level for row, _, level in found}
    assert len(levels) == len(found), "a row stands twice"
    return levels


@cache
def names_in(file):
    """Return the names of the tests of a file below tests/."""
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_")}


def test_the_contract_is_read():
    """A row of each part, with its level, and nobody's row left aside."""
    found, text = rows(), CONTRACT.read_text()
    expected = {
        "DA-01": "M",
        "UI-24": "C M",
        "TK-09b": "D",
        "SEC-03": "S/M",
        "OA-22": "D",
        "MD-10": "M",
        "IN-04": "M/S",
    }
    assert {row: found[row] for row in expected} == expected
    assert {row.partition("-")[0] for row in found} == {
        *("DA", "UI", "TK", "SEC", "OA", "MD", "RV", "IN", "JK", "AT", "ID", "X"),
    }
    assert set(re.findall(r"^\| ([A-Z]+-\d+\w?) ", text, re.MULTILINE)) == set(found)


def test_every_row_is_proved_or_left_out():
    """All of them, those that are merely useful too; and no row is named that the contract does not have."""
    assert set(PROVED) | set(LEFT_OUT) == set(rows())
    assert set(PROVED) & set(LEFT_OUT) == set()


def test_what_is_left_out_has_its_reason():
    """A sentence; of the rows that the server itself must keep none is left out."""
    assert all(re.fullmatch(r"[A-Z].{20,}\.", reason) for reason in LEFT_OUT.values())
    levels = rows()
    of_the_server = [row for row in LEFT_OUT if not levels[row].startswith("C") and re.search("[MSX]", levels[row])]
    assert of_the_server == []


@pytest.mark.parametrize("row", PROVED)
def test_the_names_in_a_row_exist(row):
    """By file and name; at least one, none twice."""
    named = PROVED[row]
    assert [(file, name) for file, name in named if name not in names_in(file)] == []
    assert len(set(named)) == len(named) > 0
