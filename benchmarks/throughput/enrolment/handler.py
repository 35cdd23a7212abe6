"""What the monolith does with an opportunity: read its row, change it, save it."""

from __future__ import annotations

from benchmarks.throughput.enrolment.models import Enrolment


def enrol(salesforce_id: str, stage: str, amount: int) -> None:
    """Keep one row per opportunity, with the state that the mirror has."""
    enrolment, is_new = Enrolment.objects.select_for_update().get_or_create(
        salesforce_id=salesforce_id, defaults={"stage": stage, "amount": amount, "handled": 1}
    )
    if not is_new:
        enrolment.stage = stage
        enrolment.amount = amount
        enrolment.handled += 1
        enrolment.save()
