"""What can be done to a whole group from its page, and what people did and wrote there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from passport_events.admin.actions import BulkActions
from passport_events.admin.base import PassportModelAdmin
from passport_events.admin.links import find_audit_log
from passport_events.admin.pagination import get_part
from passport_events.event import S3_POINTER
from passport_events.models import OperatorAction, ProcessedMessage, Status
from passport_events.models.status import FAILED
from passport_events.operating import audit_log, operations
from passport_events.operating.operations import Operation
from passport_events.operating.text import escape_invisible, format_line

MAX_NOTES = 20
"""Of one part, and of operations."""
_RETRYABLE = (Status.DEAD,)
_DISCARDED = (Status.DISCARDED,)
BUTTONS: tuple[tuple[Operation, Sequence[Status]], ...] = (
    (operations.TEST_RETRY, _RETRYABLE),
    (operations.RETRY, _RETRYABLE),
    (operations.DRY_RUN, _RETRYABLE),
    (operations.DISCARD, FAILED),
    (operations.RESTORE, _DISCARDED),
    (operations.EXPORT, FAILED),
    (operations.NOTE, ()),
)
"""Operation -> the statuses of which the group must have a message; none where that does not matter."""


def build_context(
    desk: PassportModelAdmin[ProcessedMessage],
    request: HttpRequest,
    fingerprint: str,
    stands: Mapping[str, int],
    event_types: Sequence[str],
) -> dict[str, Any]:
    """For the template; nothing where the journal is not on this site, or not for this person."""
    journal = find_audit_log(desk, request)
    if not fingerprint or journal is None:
        return {}
    # What could not be fetched from S3 is quarantined, and can be sent back as well.
    more = (Status.QUARANTINED,) if S3_POINTER in event_types else ()
    written = get_part(request, "notes", audit_log.list_notes(fingerprint), MAX_NOTES)
    done = get_part(request, "actions", audit_log.list_group_operations(fingerprint), MAX_NOTES)
    return {
        "act_url": journal.url("act"),
        "buttons": [
            {"operation": operation, "statuses": wanted}
            for operation, statuses in BUTTONS
            for wanted in [(*statuses, *more) if statuses == _RETRYABLE else statuses]
            if request.user.has_perm(operation.permission)
            and (not wanted or any(stands.get(status) for status in wanted))
        ],
        "notes": [_describe_action(journal, note) for note in written.rows],
        "notes_part": written,
        "actions": [_describe_action(journal, action) for action in done.rows],
        "actions_part": done,
    }


def _describe_action(journal: BulkActions, action: OperatorAction) -> dict[str, Any]:
    return {
        "action": action,
        "url": journal.url_of(action),
        "who": format_line(action.actor_name),
        "text": escape_invisible(action.reason, 1_000),
        "state": action.progress.label if action.progress else "",
    }
