"""Keeps a Django project in step with Salesforce through AWS SNS and SQS."""

from passport_events.event import Change, Event
from passport_events.exceptions import Discard, FieldUnknown, Reject, RetryLater
from passport_events.handling.registry import handles

__version__ = "0.1.0"

__all__ = ["Change", "Discard", "Event", "FieldUnknown", "Reject", "RetryLater", "handles"]
