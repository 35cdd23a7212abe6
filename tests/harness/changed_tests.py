"""Tests of what changed since `main`: `python -m tests.harness.changed_tests` prints their paths for pytest."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).parents[2]
PACKAGE, TESTS = "passport_events", "tests"
SLOW = {"chaos", "model", "browser", "crashes", "harness"}
"""Folders of `tests/` that a change elsewhere does not select: they have targets of their own or take minutes."""


def select_tests(changed: Iterable[str], existing: Iterable[str]) -> list[str]:
    """Return the test files and folders to run for changed files, all relative to the repository.

    `passport_events/a/b.py` selects the deepest folder of `tests/a/`; a module at the root selects
    `tests/test_<module>.py`; a test selects itself; documents select the tests of documents. `existing` is
    what is there under `tests/`. The result is sorted and holds nothing that is inside another entry.
    """
    known = set(existing)
    found = {test for path in changed for test in _select(PurePosixPath(path), known)}
    return sorted(test for test in found if not any(str(up) in found for up in PurePosixPath(test).parents))


def _select(path: PurePosixPath, existing: set[str]) -> Iterator[str]:
    top, *rest = path.parts
    if top == TESTS and path.name.startswith("test_"):
        candidates = [path]
    elif top == TESTS and rest[1:] and rest[0] not in SLOW:
        candidates = [path.parent]
    elif top == PACKAGE and len(rest) == 1:
        candidates = [PurePosixPath(TESTS, f"test_{rest[0]}")]
    elif top == PACKAGE:
        candidates = [PurePosixPath(TESTS, *up.parts) for up in PurePosixPath(*rest).parents if up.parts]
    elif path.suffix == ".md":
        candidates = [PurePosixPath(TESTS, name) for name in ("test_docs.py", "test_readme.py")]
        yield from (str(each) for each in candidates if str(each) in existing)
        return
    else:
        candidates = []
    yield from [str(each) for each in candidates if str(each) in existing][:1]


def find_changes() -> list[str]:
    """Return files that differ from where this branch left `main`, and new files."""
    base = next(
        iter([*_git("merge-base", "HEAD", "main"), *_git("merge-base", "HEAD", "origin/main")]), "HEAD"
    )
    return [*_git("diff", "--name-only", base), *_git("ls-files", "--others", "--exclude-standard")]


def _git(*arguments: str) -> list[str]:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    paths = [each.relative_to(REPOSITORY).as_posix() for each in (REPOSITORY / TESTS).rglob("*")]
    print(*select_tests(find_changes(), paths))  # noqa: T201
