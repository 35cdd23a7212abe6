"""Which steps are struck on SQLite too.

Every one is on PostgreSQL. On SQLite it is the last of each kind before a commit: what a kill leaves
there is the database's doing, and everywhere else it is ours, which does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet

ON_SQLITE = frozenset(
    {
        "messages inserted",
        "claimed, not committed",
        "finished, not committed",
        "failed, attempt written",
        "unclaimed",
        "batch finished, not committed",
        "shared, finished, not committed",
        "payload stored, pointer not finished",
        "crash recovered, not committed",
        "due rows found",
    }
)


def struck(steps: Iterable[str]) -> list[ParameterSet]:
    """The parameters of a test that is about each of these steps."""
    return [pytest.param(step, marks=[] if step in ON_SQLITE else pytest.mark.postgresql) for step in steps]
