"""The seven tables."""

from passport_events.models.attempt import AttemptOutcome, MessageAttempt
from passport_events.models.delivery import Delivery
from passport_events.models.heartbeat import Heartbeat
from passport_events.models.message import ProcessedMessage
from passport_events.models.operator_action import ActionKind, OperatorAction, Progress
from passport_events.models.organization import Mode, SalesforceOrganization
from passport_events.models.querysets import MessageQuerySet
from passport_events.models.record import SalesforceRecord
from passport_events.models.status import LIVE, TERMINAL, Status

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
    "Progress",
    "SalesforceOrganization",
    "SalesforceRecord",
    "Status",
]
