"""What projects test their handlers with: event factories and a queue with faults.

Nothing here is switched on by importing it.
"""

from passport_events.testing.factories import (
    contract_message,
    organization_id,
    record_id,
    relay_message,
    sns_notification,
)
from passport_events.testing.fake_queue import FakeQueue
from passport_events.testing.generated import generated_messages

__all__ = [
    "FakeQueue",
    "contract_message",
    "generated_messages",
    "organization_id",
    "record_id",
    "relay_message",
    "sns_notification",
]
