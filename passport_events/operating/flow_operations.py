"""Pauses and rate limits of event types and organizations.

None means every event type, or every organization. Paused messages keep their attempts.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, OperatorAction, SalesforceOrganization
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor

Organization = SalesforceOrganization | None
Scope = dict[str, Any]


def pause(event_type: str | None, organization: Organization, actor: Actor, reason: str) -> bool:
    """Pause a scope. Returns False if it is paused already."""
    with transaction.atomic(using=audit_log.get_database_alias()):
        return _begin_control(ActionKind.PAUSE, _build_scope(event_type, organization), actor, reason)


def resume(event_type: str | None, organization: Organization, actor: Actor) -> bool:
    """Remove the pause of exactly this scope. Returns False if there is none."""
    return _end_scope(ActionKind.PAUSE, event_type, organization, actor)


def limit_rate(
    event_type: str | None, organization: Organization, actor: Actor, reason: str, per_minute: int
) -> bool:
    """Limit a scope to `per_minute` messages. Returns False if this limit is active already."""
    if per_minute < 1:
        raise OperationRefused("The rate limit is at least 1 message a minute. To stop all, pause.")
    with transaction.atomic(using=audit_log.get_database_alias()):
        scope = _build_scope(event_type, organization)
        _end_controls(ActionKind.THROTTLE, scope, actor, other_than=per_minute)
        return _begin_control(ActionKind.THROTTLE, scope, actor, reason, per_minute)


def remove_rate_limit(event_type: str | None, organization: Organization, actor: Actor) -> bool:
    """Remove the rate limit of exactly this scope. Returns False if there is none."""
    return _end_scope(ActionKind.THROTTLE, event_type, organization, actor)


def end_control(action: OperatorAction, actor: Actor) -> bool:
    """Remove this pause or rate limit, also of an event type that is not in the settings any more.

    Returns False if it was removed before, even if another one of the same scope is active.
    """
    with transaction.atomic(using=audit_log.get_database_alias()):
        return _end_controls(ActionKind(action.kind), {"pk": action.pk}, actor)


def _end_scope(kind: ActionKind, event_type: str | None, organization: Organization, actor: Actor) -> bool:
    scope = {"event_type": event_type or "", "organization": organization}
    with transaction.atomic(using=audit_log.get_database_alias()):
        # The event type is checked second: it may have been removed from the settings.
        return _end_controls(kind, scope, actor) or _end_controls(
            kind, _build_scope(event_type, organization), actor
        )


def _build_scope(event_type: str | None, organization: Organization) -> Scope:
    """The columns of a scope. Raises OperationRefused for an event type that is not in the settings."""
    known = conf.get_settings().live_types()
    if event_type is not None and event_type not in known:
        raise OperationRefused(f"No event type {event_type!r} in EVENT_TYPES. There are: {', '.join(known)}.")
    return {"event_type": event_type or "", "organization": organization}


def _begin_control(
    kind: ActionKind, scope: Scope, actor: Actor, reason: str, per_minute: int | None = None
) -> bool:
    # A unique constraint allows one active row; get_or_create returns the other operator's row.
    who_and_why = {"actor": actor.user, "actor_name": actor.name, "reason": reason, "per_minute": per_minute}
    _, is_new = OperatorAction.objects.get_or_create(kind=kind, **scope, ended_at=None, defaults=who_and_why)
    if is_new:
        audit_log.announce(kind, actor)
    return is_new


def _end_controls(kind: ActionKind, scope: Scope, actor: Actor, other_than: int | None = None) -> bool:
    in_force = OperatorAction.objects.in_force().filter(kind=kind, **scope)
    if other_than is not None:
        in_force = in_force.exclude(per_minute=other_than)
    ended = in_force.update(ended_at=ClockTimestamp(), ended_by=actor.name)
    if ended:
        audit_log.announce(f"end of {kind}", actor)
    return bool(ended)
