"""Pausing and throttling: what workers leave alone until an operator says otherwise.

None stands for every event type, or every organization. Paused messages keep their attempts.
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
    """Let nothing of this scope be claimed. False when it is paused already."""
    with transaction.atomic(using=audit_log.get_database_alias()):
        return _begin_control(ActionKind.PAUSE, _build_scope(event_type, organization), actor, reason)


def resume(event_type: str | None, organization: Organization, actor: Actor) -> bool:
    """End the pause of exactly this scope. False when there is none."""
    return _end_scope(ActionKind.PAUSE, event_type, organization, actor)


def limit_rate(
    event_type: str | None, organization: Organization, actor: Actor, reason: str, per_minute: int
) -> bool:
    """Let through at most `per_minute` messages of this scope. False when that is in force already."""
    if per_minute < 1:
        raise OperationRefused("A throttle lets at least 1 message a minute through. To stop all, pause.")
    with transaction.atomic(using=audit_log.get_database_alias()):
        scope = _build_scope(event_type, organization)
        _end_controls(ActionKind.THROTTLE, scope, actor, other_than=per_minute)
        return _begin_control(ActionKind.THROTTLE, scope, actor, reason, per_minute)


def remove_rate_limit(event_type: str | None, organization: Organization, actor: Actor) -> bool:
    """End the throttle of exactly this scope. False when there is none."""
    return _end_scope(ActionKind.THROTTLE, event_type, organization, actor)


def end_control(action: OperatorAction, actor: Actor) -> bool:
    """End this pause or throttle, also of an event type that the settings do not name any more.

    False when it ended before, even if another one of the same scope has begun.
    """
    with transaction.atomic(using=audit_log.get_database_alias()):
        return _end_controls(ActionKind(action.kind), {"pk": action.pk}, actor)


def _end_scope(kind: ActionKind, event_type: str | None, organization: Organization, actor: Actor) -> bool:
    scope = {"event_type": event_type or "", "organization": organization}
    with transaction.atomic(using=audit_log.get_database_alias()):
        # Only what ends nothing may be a typing error: the settings may not name the type any more.
        return _end_controls(kind, scope, actor) or _end_controls(
            kind, _build_scope(event_type, organization), actor
        )


def _build_scope(event_type: str | None, organization: Organization) -> Scope:
    """The columns. Raises OperationRefused: a typing error would pause nothing, and nobody would know."""
    known = conf.get_settings().live_types()
    if event_type is not None and event_type not in known:
        raise OperationRefused(f"No event type {event_type!r} in EVENT_TYPES. There are: {', '.join(known)}.")
    return {"event_type": event_type or "", "organization": organization}


def _begin_control(
    kind: ActionKind, scope: Scope, actor: Actor, reason: str, per_minute: int | None = None
) -> bool:
    # A unique constraint decides between two operators; get_or_create then finds the other's row.
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
