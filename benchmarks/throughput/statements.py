"""What was said to the database, by whom, how often: from pg_stat_statements.

Only what clients say. Foreign keys that are checked at the commit show as statements of their own; they
are left out, for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.throughput.stack import ROLES, Stack

_FRAMES = ("BEGIN", "COMMIT", "ROLLBACK")
_READ = """
    SELECT rolname, query, sum(calls)::bigint, sum(total_exec_time)
    FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
    JOIN pg_database ON pg_database.oid = dbid
    WHERE datname = %s AND rolname = ANY(%s) AND query NOT LIKE 'SELECT %% FROM ONLY %%FOR KEY SHARE OF x'
    GROUP BY 1, 2 ORDER BY 3 DESC
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One text, with constants left out."""

    role: str
    text: str
    calls: int
    milliseconds: float

    @property
    def is_frame(self) -> bool:
        """Whether it only begins or ends a transaction."""
        return self.text.upper().startswith(_FRAMES)


def reset(stack: Stack) -> None:
    """Forget what was said."""
    with stack.connect() as connection:
        connection.execute("SELECT pg_stat_statements_reset()")


def read(stack: Stack, database: str) -> list[Statement]:
    """What contenders said to one database since the last reset."""
    with stack.connect() as connection:
        rows = connection.execute(_READ, (database, list(ROLES))).fetchall()
    return [
        Statement(role, " ".join(text.split()), calls, milliseconds)
        for role, text, calls, milliseconds in rows
    ]


def count(
    statements: Sequence[Statement], *, frames: bool = True, role: str | None = None, part: str = ""
) -> int:
    """Calls; without those that frame a transaction, of one role only, of texts with a part only."""
    return sum(
        each.calls
        for each in statements
        if (frames or not each.is_frame) and role in (None, each.role) and part in each.text
    )
