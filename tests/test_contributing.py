"""CONTRIBUTING.md is true: every place that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TABLE = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("## Where is what")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TABLE, re.MULTILINE)[2:]
PLACES = [(task, place) for task, places in ROWS for place in re.findall(r"`([^`]+)`", places)]


def test_the_table_has_rows() -> None:
    assert len(ROWS) >= 7


@pytest.mark.parametrize(("task", "place"), PLACES)
def test_every_place_in_the_table_exists(task: str, place: str) -> None:
    """A place is a path, or a path and names that it defines: `handling/retry.py: decide`."""
    path, _, names = place.partition(": ")
    file = REPOSITORY / path
    assert file.exists(), f"{task}: {path}"
    if names:
        assert set(names.split(", ")) <= defined_names(file), f"{task}: {place}"


def defined_names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    named = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assigned = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return named | assigned


def test_pre_commit_runs_what_make_lint_runs() -> None:
    entries = re.findall(
        r"^ *entry: (.*)$", (REPOSITORY / ".pre-commit-config.yaml").read_text(), re.MULTILINE
    )

    assert entries == ["make lint"]
