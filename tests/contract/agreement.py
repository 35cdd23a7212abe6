"""Where the reader and the types differ about a message; every difference that is meant is named here."""

from __future__ import annotations

from typing import Any

from passport_events.contract.problems import Violation, find_violations
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from tests.wire.deliveries import SETTINGS

from .strategies import delivered

# Right, and from Salesforce: an overflow or a wildcard stands for records that must be read again,
# and which objects are covered is each project's own setting.
_NOT_THE_SENDERS_FAULT = {"resync_needed", "unknown_event_type"}


def about_message(body: dict[str, Any]) -> list[str]:
    """Differences about a message that is meant to be an opportunity."""
    problems = find_violations(body, "opportunity")
    reading = parse_delivery(delivered(body), SETTINGS)
    if reading.refusal is not None:
        return [] if problems else [f"only the reader refuses: {reading.refusal}"]
    if {found.event_type for found in reading.events} != {"opportunity"}:
        # The reader knows every event type, the type only its own.
        return [] if problems else ["another event type"]
    return [f"only the types refuse: {one}" for one in problems if not _is_meant(one, body, reading)]


def about_change_event(body: dict[str, Any]) -> list[str]:
    """Differences about a change event through the relay."""
    problems = find_violations(body, "change_event")
    reading = parse_delivery(delivered(body), SETTINGS)
    if reading.refusal is not None:
        is_fine = problems or reading.refusal.reason in _NOT_THE_SENDERS_FAULT
        return [] if is_fine else [f"only the reader refuses: {reading.refusal}"]
    return [f"only the types refuse: {one}" for one in problems if not _is_meant_of_salesforce(one, reading)]


def _is_meant(problem: Violation, body: dict[str, Any], reading: ParsedDelivery) -> bool:
    """What the contract asks for and the reader does not."""
    (found,) = reading.events
    match problem.path:
        case "time" | "datacontenttype" | "dataschema":
            return True  # CloudEvents says what these must be; nothing here depends on them.
        case "data.record_id":
            # The reader believes `subject` as well; the contract has one place that is always there.
            return body["data"].get("record_id") is None and body.get("subject") is not None
        case "entity":
            return bool(body["entity"] == "")  # For the reader the same as absent; here a mistake.
        case "source" | "orgid":
            # Any id will do for the reader: the next stage looks for it among the organizations.
            return not found.organization.startswith("00D")
        case path:
            return path.startswith("data.")  # The mirror takes any value in any field.


def _is_meant_of_salesforce(problem: Violation, reading: ParsedDelivery) -> bool:
    found = reading.events[0]
    if problem.path == "source":
        return not found.organization.startswith("00D")
    # Where the record is read again, the fields are not looked at.
    return problem.path == "detail.payload" and found.is_gap
