"""What waited for an organization to be known, or to be switched on, and can be let go now."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, Subquery

from passport_events.clock import ClockTimestamp
from passport_events.event import S3_POINTER
from passport_events.models import ActionKind, Mode, SalesforceOrganization, Status
from passport_events.operating.changes import Change

_WAITED = Q(status=Status.QUARANTINED, reason="unknown_organization") | Q(
    status=Status.IGNORED, reason="organization_off"
)
_ITS_ORGANIZATION = SalesforceOrganization.objects.filter(
    salesforce_id=OuterRef("organization_salesforce_id")
)

RELEASE = Change(
    kind=ActionKind.RELEASE,
    permission="passport_events.release_organization",
    # Redacted ones have nothing left to handle. Pointers never waited for an organization: the events
    # they lead to did. And while it is off, workers would only ignore them again.
    changeable=_WAITED
    & ~Q(content={})
    & ~Q(event_type=S3_POINTER)
    & Q(Exists(_ITS_ORGANIZATION.exclude(mode=Mode.OFF))),
    columns={
        "status": Status.WAITING,
        "organization": Subquery(_ITS_ORGANIZATION.values("pk")[:1]),
        "reason": "",
        "due_at": ClockTimestamp(),
        "finished_at": None,
        "attempts": 0,
        "put_off_since": None,
    },
    needs_reason=False,
)
