"""Pauses and rate limits of operators, and the messages that they leave open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Self

from django.db.models import Q

from passport_events.models import ActionKind, OperatorAction


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Event type and organization of a control; None means all."""

    event_type: str | None
    organization: int | None

    def covers(self, event_type: str, organization: int) -> bool:
        """Return whether the scope contains messages of this type and organization."""
        return self.event_type in (None, event_type) and self.organization in (None, organization)


@dataclasses.dataclass(frozen=True, slots=True)
class RateLimit:
    """Maximum of messages per minute in one scope."""

    action: int
    scope: Scope
    per_minute: int


@dataclasses.dataclass(frozen=True, slots=True)
class FlowControls:
    """The active pauses and rate limits."""

    pauses: tuple[Scope, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()

    @classmethod
    def read(cls) -> Self:
        """Read the active controls with one small indexed query."""
        pauses, rate_limits = [], []
        rows = OperatorAction.objects.in_force().values_list(
            "pk", "kind", "event_type", "organization_id", "per_minute"
        )
        for pk, kind, event_type, organization, per_minute in rows:
            scope = Scope(event_type or None, organization)
            if kind == ActionKind.PAUSE:
                pauses.append(scope)
            else:
                rate_limits.append(RateLimit(pk, scope, per_minute or 0))
        return cls(tuple(pauses), tuple(rate_limits))

    def with_pauses(self, scopes: Iterable[Scope]) -> Self:
        """Return a copy with these scopes paused as well."""
        return dataclasses.replace(self, pauses=(*self.pauses, *scopes))

    def is_paused(self, event_type: str, organization: int) -> bool:
        """Return whether messages of this type and organization are paused."""
        return any(scope.covers(event_type, organization) for scope in self.pauses)

    def open_types(self, event_types: Iterable[str]) -> list[str]:
        """Return the types that are not paused for all organizations."""
        paused = {scope.event_type for scope in self.pauses if scope.organization is None}
        return [] if None in paused else [name for name in event_types if name not in paused]

    def open_types_of(self, event_types: Iterable[str], organization: int) -> list[str]:
        """Return the types that are not paused for one organization."""
        return [name for name in event_types if not self.is_paused(name, organization)]

    def open_rows(self) -> Q:
        """Return a filter for messages of `open_types` that no pause of an organization covers."""
        rows = Q()
        for scope in self.pauses:
            if scope.organization is not None:
                of_type = {"event_type": scope.event_type} if scope.event_type else {}
                rows &= ~Q(organization=scope.organization, **of_type)
        return rows
