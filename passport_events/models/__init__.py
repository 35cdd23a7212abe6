"""The seven tables."""

from passport_events.models.delivery import Delivery
from passport_events.models.heartbeat import Heartbeat
from passport_events.models.message import (
    LIVE,
    TERMINAL,
    AttemptOutcome,
    MessageAttempt,
    MessageQuerySet,
    ProcessedMessage,
    Status,
)
from passport_events.models.operator_action import ActionKind, OperatorAction
from passport_events.models.organization import Mode, SalesforceOrganization
from passport_events.models.record import SalesforceRecord

__all__ = [
    "LIVE",
    "TERMINAL",
    "ActionKind",
    "AttemptOutcome",
    "Delivery",
    "Heartbeat",
    "MessageAttempt",
    "MessageQuerySet",
    "Mode",
    "OperatorAction",
    "ProcessedMessage",
    "SalesforceOrganization",
    "SalesforceRecord",
    "Status",
]
