"""What can be said of all faults together."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.fault import Fault

FOLDER = Path(faults.__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "reliability.md"
ELSEWHERE = {
    28: "the publisher sends a part of its story late and out of order",
    30: "some events of the story kill their process each time",
    31: "each chapter of the story has records with many events",
    32: "a retry is a retry: `record_handler_failure` and `fail-always` of the story",
    34: "`benchmarks/` has backlogs; here a backlog comes from every outage",
}
"""Scenarios that are no fault but a part of every run, with where they are."""


def test_every_kind_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(fault.name for fault in faults.ALL).items() if times > 1] == []
    assert len(faults.ALL) >= 32


def test_each_of_the_forty_scenarios_is_met() -> None:
    met = {number for fault in faults.ALL for number in fault.scenarios} | ELSEWHERE.keys()
    assert met == set(range(1, 41))


@pytest.mark.parametrize("fault", faults.ALL, ids=lambda fault: fault.name)
def test_each_kind_is_in_the_documentation_and_in_a_test(fault: Fault) -> None:
    # Where names are made from parts, so are they in the tests.
    tests = "".join(path.read_text() for path in FOLDER.glob("test_*.py") if path.name != Path(__file__).name)
    parts = [part for part in re.split("PostgreSQL|Redis|SQS", fault.name) if part]
    assert fault.name in tests or all(part in tests for part in parts) or fault.kind == "kill"
    assert f"| {fault.name} |" in DOCUMENT.read_text()


def test_the_documentation_knows_no_other_kind() -> None:
    table = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", DOCUMENT.read_text(), re.MULTILINE)
    names = {fault.name for fault in faults.ALL}
    assert [name for name in table if name not in names | {"fault", "---"}] == []


def test_chance_comes_from_the_schedule_alone() -> None:
    for path in FOLDER.glob("*.py"):
        modules = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not modules & {"random", "secrets", "time"} or path.name == "watched.py", path


def test_every_fault_is_explained_where_it_is() -> None:
    for fault in faults.ALL:
        function = fault.inject
        assert inspect.getdoc(function) or function.__name__ == "inject", fault.name
