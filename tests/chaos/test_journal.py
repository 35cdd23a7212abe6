"""What the publisher's log says when the publisher is killed at any line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.journal import Journal, Line, Published, read


def _published(path: Path, *lines: tuple[Line, list[str]]) -> Published:
    with Journal(path) as journal:
        for line, names in lines:
            journal.write(line, names)
    with path.open() as file:
        return read(file)


@pytest.mark.parametrize(
    ("lines", "acknowledged", "unknown"),
    [
        ([(Line.ATTEMPT, ["a", "b"])], set(), {"a", "b"}),
        ([(Line.ATTEMPT, ["a", "b"]), (Line.ACKNOWLEDGED, ["a"])], {"a"}, {"b"}),
        ([(Line.ATTEMPT, ["a"]), (Line.UNKNOWN, ["a"])], set(), {"a"}),
        (
            [(Line.ATTEMPT, ["a"]), (Line.UNKNOWN, ["a"]), (Line.ATTEMPT, ["a"]), (Line.ACKNOWLEDGED, ["a"])],
            {"a"},
            set(),
        ),
        # A duplicate that fails takes nothing back.
        (
            [(Line.ATTEMPT, ["a"]), (Line.ACKNOWLEDGED, ["a"]), (Line.ATTEMPT, ["a"]), (Line.UNKNOWN, ["a"])],
            {"a"},
            set(),
        ),
    ],
)
def test_an_attempt_without_an_answer_is_unknown(
    tmp_path: Path, lines: list[tuple[Line, list[str]]], acknowledged: set[str], unknown: set[str]
) -> None:
    published = _published(tmp_path / "log", *lines)

    assert published.acknowledged == acknowledged
    assert published.unknown == unknown
    assert published.attempted == acknowledged | unknown


def test_a_line_is_in_the_file_before_the_call_that_it_announces(tmp_path: Path) -> None:
    with Journal(tmp_path / "log") as journal:
        journal.write(Line.ATTEMPT, ["a"])

        with (tmp_path / "log").open() as file:
            assert read(file).unknown == {"a"}
