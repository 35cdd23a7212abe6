"""What operators have paused or throttled, and what that leaves to do: pure decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from django.db.models import Q

from passport_events.models import ActionKind, OperatorAction


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What a control covers; None means every one."""

    event_type: str | None
    organization: int | None

    def covers(self, event_type: str, organization: int) -> bool:
        """Whether a message of this type and organization falls under it."""
        return self.event_type in (None, event_type) and self.organization in (None, organization)


@dataclasses.dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many messages a minute in one scope."""

    action: int
    scope: Scope
    per_minute: int


@dataclasses.dataclass(frozen=True, slots=True)
class FlowControls:
    """Everything in force at one moment."""

    pauses: tuple[Scope, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()

    @classmethod
    def in_force(cls) -> Self:
        """Read them; one small indexed query."""
        pauses, throttles = [], []
        rows = OperatorAction.objects.in_force().values_list(
            "pk", "kind", "event_type", "organization_id", "per_minute"
        )
        for pk, kind, event_type, organization, per_minute in rows:
            scope = Scope(event_type or None, organization)
            if kind == ActionKind.PAUSE:
                pauses.append(scope)
            else:
                throttles.append(RateLimit(pk, scope, per_minute or 0))
        return cls(tuple(pauses), tuple(throttles))

    def with_pauses(self, scopes: Iterable[Scope]) -> Self:
        """The same, and `scopes` closed as well."""
        return dataclasses.replace(self, pauses=(*self.pauses, *scopes))

    def is_paused(self, event_type: str, organization: int) -> bool:
        """Whether messages of this type and organization wait for an operator."""
        return any(scope.covers(event_type, organization) for scope in self.pauses)

    def open_types(self, event_types: Iterable[str]) -> list[str]:
        """Types that are not paused everywhere."""
        paused = {scope.event_type for scope in self.pauses if scope.organization is None}
        return [] if None in paused else [name for name in event_types if name not in paused]

    def open_types_of(self, event_types: Iterable[str], organization: int) -> list[str]:
        """Types that are not paused for one organization."""
        return [name for name in event_types if not self.is_paused(name, organization)]

    def open_rows(self) -> Q:
        """For a query over messages of `open_types`: those that no narrower pause covers."""
        rows = Q()
        for scope in self.pauses:
            if scope.organization is not None:
                of_type = {"event_type": scope.event_type} if scope.event_type else {}
                rows &= ~Q(organization=scope.organization, **of_type)
        return rows
