"""Our handler; `passport_events` finds it by the name of this module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.throughput.enrolment.handler import enrol
from passport_events import Event, handles

if TYPE_CHECKING:
    from passport_events.models import SalesforceRecord


@handles("opportunity", shares_transaction="PASSPORT_BENCH_SHARES" in os.environ)
def keep_enrolment(event: Event, record: SalesforceRecord) -> None:
    """Hand on what the mirror says. A late update may find the rest not there yet."""
    enrol(record.record_id, record["StageName"], record["Amount"])
