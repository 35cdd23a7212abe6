"""How a delivery differs from the contract: places and rules, never a value."""

from __future__ import annotations

import dataclasses

from django.utils import timezone

from passport_events import conf
from passport_events.clock import convert_from_database
from passport_events.models import Delivery
from passport_events.operating.text import format_line
from passport_events.wire.raw_delivery import RawDelivery

MAX_PROBLEMS = 50


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContractDiff:
    """What the contract's types find in a delivery."""

    is_installed: bool
    """Whether the extra is, that the types need."""
    is_covered: bool = False
    """Whether the contract has a type for messages of this kind."""
    problems: tuple[str, ...] = ()
    left_out: int = 0


def compare_with_contract(delivery: Delivery) -> ContractDiff:
    """Of what SQS handed us; its body must not have been redacted."""
    # Not above: the types take longer to import than the rest of the admin, and workers have it too.
    from passport_events.contract import check, input_files  # noqa: PLC0415

    if not check.LISTS_EVERY_PROBLEM:
        return ContractDiff(is_installed=False)
    from passport_events.contract import problems  # noqa: PLC0415  which needs the extra

    body = bytes(delivery.body or b"")
    received = RawDelivery(
        message_id=delivery.sqs_message_id,
        receipt_handle="",
        body=body,
        attributes={"SentTimestamp": _get_milliseconds(delivery)},
    )
    checked = check.check_delivery(input_files.InputPayload(line=1, body=body), received, conf.get_settings())
    texts = tuple(format_line(problem) for problem in checked.problems[:MAX_PROBLEMS])
    return ContractDiff(
        is_installed=True,
        is_covered=problems.find_kind(checked.body) is not None,
        problems=texts,
        left_out=len(checked.problems) - len(texts),
    )


def _get_milliseconds(delivery: Delivery) -> str:
    sent_at = convert_from_database(delivery.sent_at) or timezone.now()
    return str(int(sent_at.timestamp() * 1_000))
