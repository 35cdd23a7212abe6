"""Select due messages for a claim: fair between organizations, oldest first within each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connections
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.database import get_database_alias

T = TypeVar("T")

MAX_ORGANIZATIONS = 50
"""Organizations in one claim."""
SHARES = 2
"""Factor by which the first query reads more than each organization's share; others may have less due."""
_PLACEHOLDER_ORGANIZATION = -1
"""Not a primary key; replaced by the organization of a branch."""

Branch = tuple[str, tuple[Any, ...]]
"""One SELECT and its parameters."""


def select_fairly(event_types: Sequence[str], controls: FlowControls, limit: int) -> list[int]:
    """Return the ids of up to `limit` due messages, alternating between organizations.

    Two statements that use the due index, so their cost does not depend on the backlog; and a third if some
    organizations have a long backlog and the others little.
    """
    open_types = controls.open_types(event_types)
    wanted: dict[int | None, list[str]] = {None: [S3_POINTER]} if S3_POINTER in open_types else {}
    open_types = [name for name in open_types if name != S3_POINTER]
    for organization in _draw_organizations(_find_organizations(open_types, controls)) if open_types else []:
        if types := controls.open_types_of(open_types, organization):
            wanted[organization] = types
    if not wanted:
        return []
    share = min(limit, -(-SHARES * limit // len(wanted)))
    found = _execute_branches(_build_branches(wanted, share))
    if share < limit and sum(map(len, found.values())) < limit:
        behind = {owner: types for owner, types in wanted.items() if len(found.get(owner, ())) >= share}
        found |= _execute_branches(_build_branches(behind, limit)) if behind else {}
    return list(round_robin(found, limit))


def is_full(messages: Sequence[ProcessedMessage]) -> bool:
    """Return whether the claim of these messages had no place for another organization."""
    return len({message.organization_id for message in messages}) >= MAX_ORGANIZATIONS


def _filter_claimable(event_types: Sequence[str]) -> Any:
    # Isolated rows have claims of their own, but expired ones are recovered here.
    claimable = Q(isolated=False) | Q(status=Status.PROCESSING)
    return ProcessedMessage.objects.due().filter(claimable, event_type__in=event_types)


def _draw_organizations(organizations: list[int]) -> list[int]:
    """Choose the organizations of a claim: half by age, half at random.

    By age alone, old backlogs of many organizations would delay a new event of another.
    """
    if len(organizations) <= MAX_ORGANIZATIONS:
        return organizations
    oldest = MAX_ORGANIZATIONS // 2
    drawn = random.sample(organizations[oldest:], MAX_ORGANIZATIONS - oldest)
    return organizations[:oldest] + drawn


def _find_organizations(event_types: Sequence[str], controls: FlowControls) -> list[int]:
    """Return organizations with due messages that are not paused, the oldest message first.

    A subquery per organization costs one index probe; DISTINCT would read the whole backlog.
    """
    per_type = [
        Subquery(
            _filter_claimable([name])
            .filter(controls.open_rows(), organization=OuterRef("pk"))
            .order_by("due_at")
            .values("due_at")[:1]
        )
        for name in event_types
    ]
    oldest = per_type[0] if len(per_type) == 1 else Coalesce(*per_type)
    return list(
        SalesforceOrganization.objects.annotate(oldest_due=oldest)
        .filter(oldest_due__isnull=False)
        .order_by("oldest_due")
        .values_list("pk", flat=True)
    )


def _build_branches(wanted: Mapping[int | None, Sequence[str]], limit: int) -> Iterator[Branch]:
    """Yield one SELECT per organization with its open types, and one for pointers, which have none.

    The ORM compiles one SELECT per list of types, because compiling takes longer than executing.
    """
    compiled: dict[tuple[str, ...], Branch] = {}
    for organization, types in wanted.items():
        if organization is None:
            yield _compile(_select_pointers(limit))
            continue
        if tuple(types) not in compiled:
            due = _filter_claimable(types).filter(organization=_PLACEHOLDER_ORGANIZATION).order_by("due_at")
            compiled[tuple(types)] = _compile(due.values_list("organization_id", "pk")[:limit])
        sql, values = compiled[tuple(types)]
        place = values.index(_PLACEHOLDER_ORGANIZATION)
        yield sql, (*values[:place], organization, *values[place + 1 :])


def _select_pointers(limit: int) -> Any:
    """Pointers belong to no organization until they are fetched; together they count as one."""
    due = _filter_claimable([S3_POINTER]).filter(organization__isnull=True)
    # Ordered also by organization, which is NULL for all, so that the database uses the index.
    return due.order_by("organization_id", "due_at").values_list("organization_id", "pk")[:limit]


def _compile(rows: Any) -> Branch:
    sql, values = rows.query.get_compiler(get_database_alias()).as_sql()
    return sql, tuple(values)


def _execute_branches(branches: Iterable[Branch]) -> dict[int | None, list[int]]:
    """Execute all branches as one statement.

    Django's `union()` refuses a LIMIT in a branch on SQLite; a derived table works on both databases.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for number, (sql, values) in enumerate(branches):
        parts.append(f"SELECT * FROM ({sql}) AS branch_{number}")  # noqa: S608  the ORM wrote it
        parameters.extend(values)
    found: dict[int | None, list[int]] = {}
    with connections[get_database_alias()].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for organization, pk in cursor.fetchall():
            found.setdefault(organization, []).append(pk)
    return found


def round_robin(found: Mapping[Any, Sequence[T]], limit: int) -> Iterator[T]:
    """Yield the first of each group, then the second of each, up to `limit`."""
    longest = max(map(len, found.values()), default=0)
    turns = (own[turn] for turn in range(longest) for own in found.values() if turn < len(own))
    yield from itertools.islice(turns, limit)
