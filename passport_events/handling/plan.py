"""Decide what to do with a claimed message, before anything runs; pure."""

from __future__ import annotations

import dataclasses

from passport_events.conf import Settings
from passport_events.handling.registry import Handler, find_handler
from passport_events.models import Mode, ProcessedMessage, Status


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Whether to merge, which handler to call, and the status after success."""

    handler: Handler | None
    merges: bool = True
    status: Status = Status.SUCCEEDED
    reason: str = ""
    needs_own_transaction: bool = False
    """False if any number of messages with this plan can be merged in one transaction."""


def make_plan(message: ProcessedMessage, settings: Settings) -> Plan:
    """Decide by the organization's mode, the origin of the change, and whether there is a handler."""
    if message.is_pointer:
        return Plan(None, merges=False, needs_own_transaction=True)
    handler = find_handler(message.event_type)
    organization = message.organization
    if organization is None or organization.mode == Mode.OFF:
        return Plan(None, merges=False, status=Status.IGNORED, reason="organization_off")
    if organization.mode == Mode.SHADOW:
        return Plan(None, reason="shadow")
    if handler is not None and is_echo(message.content.get("origin", ""), settings.own_change_origins):
        # In order with events that are handled: it must not overtake them.
        return Plan(None, status=Status.IGNORED, reason="own_change", needs_own_transaction=True)
    return Plan(handler, needs_own_transaction=handler is not None)


def is_echo(origin: str, own_change_origins: tuple[str, ...]) -> bool:
    """Return whether a changeOrigin (`com/salesforce/api/rest/66.0;client=NAME`) names one of our clients."""
    _, found, client = origin.partition("client=")
    return bool(found) and client.rstrip("/") in own_change_origins
