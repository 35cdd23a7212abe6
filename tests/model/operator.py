"""An operator's side: what they can click, each time on everything that it is for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from passport_events.exceptions import NothingToDo
from passport_events.models import Mode, OperatorAction, ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating import flow_operations, operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPLAY
from passport_events.operating.organizations import reprocess_organization
from passport_events.operating.selection import Selection
from tests.operating.inbox import operate

ON_CALL = Actor("on call")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def retry() -> None:
    """Send every dead letter back."""
    operate(operations.RETRY, ProcessedMessage.objects.all(), ON_CALL, "the cause is mended")


def discard() -> None:
    """Put everything aside that can be."""
    operate(operations.DISCARD, ProcessedMessage.objects.all(), ON_CALL, "because")


def restore() -> None:
    """Think better of it."""
    operate(operations.RESTORE, ProcessedMessage.objects.all(), ON_CALL)


def release() -> None:
    """Let go what waited for the newest organization."""
    organization = SalesforceOrganization.objects.exclude(mode=Mode.OFF).last()
    if organization is not None:
        reprocess_organization(organization, ON_CALL)


def replay() -> None:
    """Run again what has ended well."""
    ended = Selection(statuses=(Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED), since=LONG_AGO)
    with suppress(NothingToDo):
        action = runner.start(REPLAY, ended, ON_CALL, "because")
        runner.run_step(action.pk)


def pause_everything() -> None:
    """Pause all types of all organizations."""
    flow_operations.pause(None, None, ON_CALL, "because")


def pause_a_type() -> None:
    """Pause the opportunities of all organizations."""
    flow_operations.pause("opportunity", None, ON_CALL, "because")


def pause_an_organization() -> None:
    """Pause the oldest organization."""
    flow_operations.pause(None, SalesforceOrganization.objects.first(), ON_CALL, "because")


def resume() -> None:
    """End every pause."""
    for action in OperatorAction.objects.in_force():
        flow_operations.resume(action.event_type or None, action.organization, ON_CALL)


VERBS: dict[str, Callable[[], None]] = {
    verb.__name__: verb
    for verb in (
        *(retry, discard, restore, release, replay),
        *(pause_everything, pause_a_type, pause_an_organization, resume),
    )
}
