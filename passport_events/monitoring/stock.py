"""What stands at this moment: unfinished messages, and those that need a person. Two queries.

They read every such row, over partial indexes, once a minute; not for every page.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from django.db.models import Count, Q

from passport_events.clock import StatementTimestamp
from passport_events.models import ProcessedMessage, Status
from passport_events.monitoring.flows import Scope


@dataclasses.dataclass(slots=True)
class Stock:
    """One scope."""

    waiting: int = 0
    """Unfinished, those in a worker's hands included."""
    due: int = 0
    """Of these: waiting, and might be claimed now."""
    retries: int = 0
    """Of these: waiting for another attempt, due or not."""
    dead_letters: int = 0
    in_quarantine: int = 0


def stock_now() -> dict[Scope, Stock]:
    """Every scope that has any."""
    found: dict[Scope, Stock] = defaultdict(Stock)
    scope = ("event_type", "organization_salesforce_id")
    waits = Q(status=Status.WAITING)
    unfinished = ProcessedMessage.objects.filter(due_at__isnull=False).order_by()
    for event_type, organization, waiting, due, retries in unfinished.values_list(*scope).annotate(
        live=Count("pk"),
        due=Count("pk", filter=waits & Q(due_at__lte=StatementTimestamp())),
        retries=Count("pk", filter=waits & Q(attempts__gt=0)),
    ):
        found[Scope(event_type, organization)] = Stock(waiting, due, retries)
    needs_you = ProcessedMessage.objects.filter(status__in=(Status.DEAD, Status.QUARANTINED)).order_by()
    for event_type, organization, dead, quarantined in needs_you.values_list(*scope).annotate(
        dead=Count("pk", filter=Q(status=Status.DEAD)),
        quarantined=Count("pk", filter=Q(status=Status.QUARANTINED)),
    ):
        stock = found[Scope(event_type, organization)]
        stock.dead_letters, stock.in_quarantine = dead, quarantined
    return dict(found)
