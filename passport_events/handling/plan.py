"""What is to be done with a claimed message: a pure decision before anything runs."""

from __future__ import annotations

import dataclasses

from passport_events.conf import Settings
from passport_events.handling.registry import Handler, handler_for
from passport_events.models import Mode, ProcessedMessage, Status


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Merge or not, call a handler or not, and the status if all goes well."""

    handler: Handler | None
    merges: bool = True
    status: Status = Status.SUCCEEDED
    reason: str = ""
    needs_own_transaction: bool = False
    """Whether the message needs a transaction of its own."""


def plan_for(message: ProcessedMessage, settings: Settings) -> Plan:
    """Decide by the organization's mode, the origin of the change, and whether there is a handler."""
    if message.is_pointer:
        return Plan(None, merges=False, needs_own_transaction=True)
    handler = handler_for(message.event_type)
    organization = message.organization
    if organization is None or organization.mode == Mode.OFF:
        return Plan(None, merges=False, status=Status.IGNORED, reason="organization_off")
    if organization.mode == Mode.SHADOW:
        return Plan(None, reason="shadow")
    if handler is not None and is_echo(message.content.get("origin", ""), settings.own_change_origins):
        # Between events that are handled, so it must not overtake them.
        return Plan(None, status=Status.IGNORED, reason="own_change", needs_own_transaction=True)
    return Plan(handler, needs_own_transaction=handler is not None)


def is_echo(origin: str, own_change_origins: tuple[str, ...]) -> bool:
    """Whether a changeOrigin (`com/salesforce/api/rest/66.0;client=NAME`) names one of our own clients."""
    _, found, client = origin.partition("client=")
    return bool(found) and client.rstrip("/") in own_change_origins
