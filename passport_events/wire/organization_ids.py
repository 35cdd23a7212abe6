"""Which Salesforce organization a message belongs to, from everything in it that says so."""

from __future__ import annotations

from collections.abc import Mapping

from passport_events.conf import Settings
from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.envelope import Envelope

_ATTRIBUTE = "attribute org_id"
_TOPIC = "TOPIC_ORGANIZATIONS"


def find_organization(envelope: Envelope, claims: Mapping[str, str | None], settings: Settings) -> str:
    """The organization's id, 18 characters: from the attribute `org_id`, `claims`, and the topic.

    `claims` maps the place in the message to the id found there, or None. A message that two
    organizations could claim would put one's students into the other's mirror, so nothing is
    preferred: raises Unreadable `organization_mismatch`, `no_organization` or `bad_id`.
    """
    places = {
        _ATTRIBUTE: envelope.attributes.get("org_id"),
        **claims,
        _TOPIC: settings.topic_organizations.get(envelope.topic_arn),
    }
    if envelope.outer is not None:
        places |= {
            f"the pointer's {_ATTRIBUTE}": envelope.outer.attributes.get("org_id"),
            f"the pointer's {_TOPIC}": settings.topic_organizations.get(envelope.outer.topic_arn),
        }
    found = {where: normalize_id(claim, where) for where, claim in places.items() if claim is not None}
    if not found:
        raise Unreadable("no_organization", "looked at " + " and ".join(places))
    if len(set(found.values())) > 1:
        raise Unreadable("organization_mismatch", " and ".join(found) + " do not agree")
    return found.popitem()[1]


def find_claimed_organization(envelope: Envelope) -> str:
    """What the attribute `org_id` says, 18 characters, or nothing: so that a refusal can be found by it."""
    try:
        return normalize_id(envelope.attributes.get("org_id"), _ATTRIBUTE)
    except Unreadable:
        return ""
