"""Which tests `make check` selects."""

from __future__ import annotations

import pytest

from tests.harness.changed_tests import select_tests

EXISTING = [
    "tests/test_conf.py",
    "tests/test_docs.py",
    "tests/test_readme.py",
    "tests/handling",
    "tests/handling/test_retry.py",
    "tests/operating",
    "tests/operating/doctor",
    "tests/crashes",
]


@pytest.mark.parametrize(
    ("changed", "selected"),
    [
        ("passport_events/handling/retry.py", ["tests/handling"]),
        ("passport_events/operating/doctor/queue.py", ["tests/operating/doctor"]),
        ("passport_events/admin/templates/page.html", []),
        ("passport_events/conf.py", ["tests/test_conf.py"]),
        ("tests/handling/test_retry.py", ["tests/handling/test_retry.py"]),
        ("tests/handling/conftest.py", ["tests/handling"]),
        ("tests/crashes/steps.py", []),
        ("docs/install.md", ["tests/test_docs.py", "tests/test_readme.py"]),
        ("setup.cfg", []),
    ],
)
def test_a_change_selects_the_tests_that_mirror_it(changed: str, selected: list[str]) -> None:
    assert select_tests([changed], EXISTING) == selected


def test_a_folder_hides_the_files_in_it() -> None:
    changed = ["tests/handling/test_retry.py", "passport_events/handling/retry.py"]

    assert select_tests(changed, EXISTING) == ["tests/handling"]
