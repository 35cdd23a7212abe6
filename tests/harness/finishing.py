"""Without the check of the lease: whoever was given a message may end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import F


def by_anybody(patch: Callable[[Any, str, Any], None]) -> None:
    """Let `patch`, which is `setattr` or a monkeypatch's, take the check away in both places."""
    # Not above: a process of the chaos pipeline asks for this before Django is set up.
    from passport_events.handling import attempt  # noqa: PLC0415
    from passport_events.models import MessageQuerySet, ProcessedMessage, Status  # noqa: PLC0415
    from passport_events.models.querysets import FINISHED_VALUES  # noqa: PLC0415

    def finish(rows: Any, lease_token: UUID, status: Status, **also: Any) -> int:
        return int(rows.update(status=status, **FINISHED_VALUES, **also))

    class FinishOne:
        def __init__(self, names: tuple[str, ...]) -> None:
            pass

        def run(self, *, id: int, lease_token: UUID, status: Status, **said: Any) -> int:  # noqa: A002  the column
            rows = ProcessedMessage.objects.filter(pk=id)
            return rows.finish(lease_token, status, attempts=F("attempts") + 1, **said)

    patch(MessageQuerySet, "finish", finish)
    patch(attempt, "_compile_finish", FinishOne)
