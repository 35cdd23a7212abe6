"""Which due messages a claim should take: fair over organizations, oldest first within each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connections, router
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status

T = TypeVar("T")

MAX_ORGANIZATIONS = 50
"""So many organizations share one claim."""
SHARES = 2
"""So many times its share of a claim is read of each organization at first; others may have less to do."""
_PLACEHOLDER_ORGANIZATION = -1
"""No primary key: where the organization of a branch goes."""

Branch = tuple[str, tuple[Any, ...]]
"""One SELECT and its parameters."""


def select_fairly(event_types: Sequence[str], controls: FlowControls, limit: int) -> list[int]:
    """Up to `limit` due messages, taking turns between organizations.

    Two statements, each served by the due index, however long the backlog is; and a third where one
    organization is far behind and the others have little.
    """
    open_types = controls.open_types(event_types)
    wanted: dict[int | None, list[str]] = {None: [S3_POINTER]} if S3_POINTER in open_types else {}
    open_types = [name for name in open_types if name != S3_POINTER]
    for organization in _draw_organizations(_find_organizations(open_types, controls)) if open_types else []:
        if types := controls.open_types_of(open_types, organization):
            wanted[organization] = types
    if not wanted:
        return []
    most = min(limit, -(-SHARES * limit // len(wanted)))
    found = _execute_branches(_build_branches(wanted, most))
    if most < limit and sum(map(len, found.values())) < limit:
        behind = {owner: types for owner, types in wanted.items() if len(found.get(owner, ())) >= most}
        found |= _execute_branches(_build_branches(behind, limit)) if behind else {}
    return list(round_robin(found, limit))


def is_full(messages: Sequence[ProcessedMessage]) -> bool:
    """Whether a claim that found these had no place for another organization."""
    return len({message.organization_id for message in messages}) >= MAX_ORGANIZATIONS


def _filter_claimable(event_types: Sequence[str]) -> Any:
    # Rows that run alone are claimed one by one, elsewhere; abandoned ones are seen here first.
    in_company = Q(isolated=False) | Q(status=Status.PROCESSING)
    return ProcessedMessage.objects.due().filter(in_company, event_type__in=event_types)


def _draw_organizations(organizations: list[int]) -> list[int]:
    """Who takes part in a claim: half of the places for the longest waiting, half are drawn.

    By age alone, old backlogs of many organizations would hold up a new event of another.
    """
    if len(organizations) <= MAX_ORGANIZATIONS:
        return organizations
    oldest = MAX_ORGANIZATIONS // 2
    drawn = random.sample(organizations[oldest:], MAX_ORGANIZATIONS - oldest)
    return organizations[:oldest] + drawn


def _find_organizations(event_types: Sequence[str], controls: FlowControls) -> list[int]:
    """Organizations that have due messages which nobody paused, the longest waiting first.

    Asking each organization for its oldest costs one index probe; a DISTINCT over the messages
    would read the whole backlog.
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
    """One for each organization and the types that are open for it, and one for pointers, which have none.

    The ORM writes one for all that differ in nothing else: it takes longer for it than the database does.
    """
    written: dict[tuple[str, ...], Branch] = {}
    for organization, types in wanted.items():
        if organization is None:
            yield _compile(_select_pointers(limit))
            continue
        if tuple(types) not in written:
            due = _filter_claimable(types).filter(organization=_PLACEHOLDER_ORGANIZATION).order_by("due_at")
            written[tuple(types)] = _compile(due.values_list("organization_id", "pk")[:limit])
        sql, values = written[tuple(types)]
        place = values.index(_PLACEHOLDER_ORGANIZATION)
        yield sql, (*values[:place], organization, *values[place + 1 :])


def _select_pointers(limit: int) -> Any:
    """Pointers belong to no organization until they are opened; together they take turns as one."""
    due = _filter_claimable([S3_POINTER]).filter(organization__isnull=True)
    # The organization is the same for all, and named so that the index is read in its order.
    return due.order_by("organization_id", "due_at").values_list("organization_id", "pk")[:limit]


def _compile(rows: Any) -> Branch:
    sql, values = rows.query.get_compiler(router.db_for_write(ProcessedMessage)).as_sql()
    return sql, tuple(values)


def _execute_branches(branches: Iterable[Branch]) -> dict[int | None, list[int]]:
    """All branches as one statement.

    Django's own `union()` refuses a LIMIT inside on SQLite; a derived table around each branch is
    plain SQL that both databases take.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for number, (sql, values) in enumerate(branches):
        parts.append(f"SELECT * FROM ({sql}) AS branch_{number}")  # noqa: S608  the ORM wrote it
        parameters.extend(values)
    found: dict[int | None, list[int]] = {}
    with connections[router.db_for_write(ProcessedMessage)].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for organization, pk in cursor.fetchall():
            found.setdefault(organization, []).append(pk)
    return found


def round_robin(found: Mapping[Any, Sequence[T]], limit: int) -> Iterator[T]:
    """The first of each organization, then the second of each, until `limit`."""
    longest = max(map(len, found.values()), default=0)
    turns = (own[turn] for turn in range(longest) for own in found.values() if turn < len(own))
    yield from itertools.islice(turns, limit)
