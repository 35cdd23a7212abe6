"""From the bytes of a file to messages that can be sent, and to those that should not be."""

from __future__ import annotations

import dataclasses

from passport_events.conf import Settings
from passport_events.contract.check import Checked, check_delivery
from passport_events.contract.delivered import Journey, through_sns
from passport_events.contract.payloads import payloads_in
from passport_events.exceptions import Unreadable
from passport_events.publishing.attributes import attributes_of
from passport_events.publishing.outgoing import MOST_BYTES, Outgoing


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """All lines of a file."""

    ready: tuple[Outgoing, ...]
    invalid: tuple[Checked, ...]


def prepare(data: bytes, settings: Settings, journey: Journey) -> Prepared:
    """Read every payload as it will be read once SNS has delivered it. Pure, and raises nothing."""
    ready, invalid = [], []
    for payload in payloads_in(data):
        checked = check_delivery(payload, through_sns(payload.body, journey), settings)
        message = _outgoing(checked, journey) if checked.is_well else None
        if message is None:
            invalid.append(checked)
        elif message.size > MOST_BYTES:
            refusal = Unreadable(
                "too_large", f"{message.size} bytes with its attributes, SNS takes {MOST_BYTES}"
            )
            invalid.append(dataclasses.replace(checked, events=(), refusal=refusal))
        else:
            ready.append(message)
    return Prepared(tuple(ready), tuple(invalid))


def _outgoing(checked: Checked, journey: Journey) -> Outgoing:
    # A pointer names no organization, and what it points at need not either.
    named = {"org_id": journey.org_id} if journey.org_id else {}
    payload = checked.payload
    return Outgoing(payload.line, payload.body.decode(), named | attributes_of(checked))
