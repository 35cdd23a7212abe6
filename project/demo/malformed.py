"""Messages that are no events: what may come, and the reason under which each must be kept."""

from __future__ import annotations

import json
from random import Random

from passport_events.testing import contract_message, organization_id, record_id, relay_message
from project.demo.messages import seeded_id

_STRANGER = organization_id(999_999)


def malformed(rng: Random, organization: str, number: int) -> tuple[str, str]:
    """The body of the `number`-th malformed message, and its reason. Every sixth is of one kind."""
    record = record_id("Opportunity", 500_000_000 + number)
    message = relay_message(
        "Opportunity", record, "CREATE", {"Name": f"Malformed {number}"}, organization=organization
    )
    message["id"] = seeded_id(rng)
    stranger = contract_message("item", record, organization=_STRANGER, message_id=seeded_id(rng))
    text = json.dumps(message)
    header = message["detail"]["payload"]["ChangeEventHeader"]
    variants = (
        lambda: (text[: rng.randrange(10, len(text) - 10)], "invalid_json"),
        lambda: (json.dumps([number, text]), "not_an_object"),
        lambda: (text.replace(record, f"{record[:-3]}{'zzz'}"), "bad_id"),
        lambda: (text.replace(f'"transactionKey": "{header["transactionKey"]}"', '"x": 1'), "schema"),
        lambda: (text.replace('"Opportunity"', '"Campaign"'), "unknown_event_type"),
        lambda: (json.dumps(stranger), "unknown_organization"),
    )
    return variants[number % len(variants)]()
