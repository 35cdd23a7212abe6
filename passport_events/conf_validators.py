"""The rules of the settings: each turns a raw value into the typed one, or says what is wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from passport_events.event import CHANGE_WORDS, S3_POINTER

Rule = Callable[[Any], Any]
"""Raises ValueError with the rest of a sentence that begins with the key, for people."""

_ORGANIZATION = re.compile(r"00D[0-9A-Za-z]{15}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


DEFAULT_EVENT_TYPES = {
    "opportunity": {"entities": ["Opportunity"], "queue": "passport-opportunities"},
    "attachment": {
        "entities": ["ContentVersion", "ContentDocumentLink", "Attachment"],
        "queue": "passport-attachments",
    },
    "item": {"entities": ["OpportunityLineItem"], "queue": "passport-items"},
}
"""In force unless `EVENT_TYPES` says otherwise of one."""


@dataclasses.dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event: which Salesforce objects it covers, and which RQ queue works on it."""

    name: str
    entities: tuple[str, ...]
    """API names; the first one is meant where a contract message names none."""
    queue: str
    """The RQ queue, a key of `RQ_QUEUES`."""


def validate_text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def validate_flag(value: Any) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def make_short_text_rule(longest: int) -> Rule:
    """A string that fits into its column."""

    def rule(value: Any) -> str:
        if len(validate_text(value)) > longest:
            raise ValueError(f"must be a string of at most {longest} characters")
        return str(value)

    return rule


def validate_url(value: Any) -> str:
    """An address. Plain http is for emulators."""
    if not validate_text(value).startswith(("http://", "https://")):
        raise ValueError("must be a URL that starts with https://")
    try:
        has_host = bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        has_host = False
    if not has_host or not value.isprintable() or " " in value:
        raise ValueError("must be a URL with a host, and without spaces")
    return str(value)


def validate_urls(value: Any) -> tuple[str, ...]:
    """Addresses, each once."""
    found = tuple(_validate_entry(each, validate_url, each) for each in validate_texts(value))
    if len(set(found)) < len(found):
        raise ValueError("names a URL twice")
    return found


def validate_optional_url(value: Any) -> str:
    """An address, or nothing."""
    return "" if value is None or value == "" else validate_url(value)


def make_url_rule(name: str) -> Rule:
    """An address with one place in it, `{name}`, or nothing. As a link it must not be a script."""

    def rule(value: Any) -> str:
        if value == "":
            return ""
        if re.findall(r"\{.*?\}|[{}]", validate_url(value)) != [f"{{{name}}}"]:
            raise ValueError(f"must be a URL with {{{name}}} in it, once")
        return str(value)

    return rule


def make_range_rule(low: float, high: float, unit: str) -> Rule:
    """A number from `low` to `high`."""

    def rule(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be a number of {unit}")
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high} {unit}")
        return value

    return rule


def make_whole_number_rule(low: int, high: int, unit: str) -> Rule:
    """A whole number from `low` to `high`; True is none."""

    def rule(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number of {unit} between {low} and {high}")
        return value

    return rule


def validate_texts(value: Any) -> tuple[str, ...]:
    """Strings, in the order given; one string is no list of its letters."""
    if isinstance(value, str):
        raise ValueError(f"must be a list of strings, like [{value[:80]!r}], not one string")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    return tuple(value)


def is_bucket(name: str) -> bool:
    """Whether S3 allows it as a bucket's name. ARNs, which boto3 would take in its place, are none."""
    return _BUCKET.fullmatch(name) is not None


def validate_buckets(value: Any) -> tuple[str, ...]:
    """Names of S3 buckets."""
    names = validate_texts(value)
    if not all(map(is_bucket, names)):
        raise ValueError("must be a list of bucket names: 3 to 63 of a-z, 0-9, dots and hyphens each")
    return names


def validate_fields(value: Any) -> dict[str, frozenset[str]]:
    """Field names by entity."""
    example = 'like {"Opportunity": ["Name"]}'
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"must map an entity to its field names, {example}")
    return {
        entity: frozenset(_validate_entry(entity, validate_texts, names)) for entity, names in value.items()
    }


def validate_organizations(value: Any) -> dict[str, str]:
    """Salesforce organization ids by SNS topic."""
    example = 'like {"arn:aws:sns:us-east-1:123456789012:events": "00D5f000005KcCnEAK"}'
    if not isinstance(value, dict) or not all(isinstance(key, str) and key for key in value):
        raise ValueError(f"must map a topic's ARN to an organization's id, {example}")
    for topic, organization in value.items():
        if not isinstance(organization, str) or not _ORGANIZATION.fullmatch(organization):
            raise ValueError(
                f"needs organization ids of 18 characters that begin with 00D, {example}; "
                f"entry {topic!r} has none"
            )
    return dict(value)


def _validate_entry(name: str, rule: Rule, value: Any, key: str = "") -> Any:
    """The rule, whose complaint names the entry of a mapping, and the key in it."""
    try:
        return rule(value)
    except ValueError as error:
        raise ValueError(f"has the entry {name!r}, {f'whose {key!r}' if key else 'which'} {error}") from error


def _validate_event_type(name: Any, entry: Any, example: str) -> tuple[tuple[str, ...], str]:
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise ValueError("has an event type whose name is not a string of 1 to 64 characters")
    if name == S3_POINTER:
        raise ValueError(f"must not define {name!r}: pointers come with S3_PAYLOAD_BUCKETS")
    if not isinstance(entry, dict) or set(entry) != {"entities", "queue"}:
        raise ValueError(f"entry {name!r} must have exactly 'entities' and 'queue', {example}")
    entities = _validate_entry(name, validate_texts, entry["entities"], "entities")
    queue = _validate_entry(name, validate_text, entry["queue"], "queue")
    if not entities or not queue:
        raise ValueError(f"entry {name!r} needs at least one entity and a queue, {example}")
    return entities, queue


def validate_event_types(value: Any) -> dict[str, EventType]:
    """Event types by name: the defaults, what is given over them, and without those that are None.

    No Salesforce object belongs to two of them.
    """
    example = 'like {"opportunity": {"entities": ["Opportunity"], "queue": "passport-opportunities"}}'
    if not isinstance(value, dict):
        raise ValueError(f"must map each event type to its entities and RQ queue, {example}")
    given: dict[Any, Any] = {**DEFAULT_EVENT_TYPES, **value}
    merged = {name: entry for name, entry in given.items() if entry is not None}
    if not merged:
        raise ValueError("must leave at least one event type on")
    types: dict[str, EventType] = {}
    owner: dict[str, str] = {}
    for name, entry in merged.items():
        entities, queue = _validate_event_type(name, entry, example)
        for entity in entities:
            if not 1 <= len(entity) <= 80:
                raise ValueError(f"entry {name!r} has an entity whose name is not 1 to 80 characters long")
            if entity in owner:
                raise ValueError(
                    f"gives entity {entity!r} to both {owner[entity]!r} and {name!r}; "
                    f"{owner[entity]!r}: None switches the first one off"
                )
            owner[entity] = name
        types[name] = EventType(name, entities, queue)
    return types


_EXAMPLE = (
    'like {"Offer_Sent__e": {"event_type": "opportunity", '
    '"record_id": "Record_Id__c", "sequence": "CreatedDate"}}'
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlatformEvent:
    """Where a platform event says what every event has to say. The values are names of its fields."""

    event_type: str
    """A key of `EVENT_TYPES`."""
    record_id: str
    """The field with the id of the record that changed."""
    sequence: str
    """The field that orders the events of a record: the contract's `sequence`, or a time."""
    entity: str = ""
    """The Salesforce object; by default the first one of the event type."""
    change: str = "upserted"
    """One of the contract's words for a change, or the field that holds one."""
    fields: str = ""
    """The field whose text is a JSON object with the record's fields; by default they are the event's own."""

    @property
    def used(self) -> frozenset[str]:
        """Fields that say something about the event, and are none of the record."""
        return frozenset((self.record_id, self.sequence, self.change))


_REQUIRED = frozenset(f.name for f in dataclasses.fields(PlatformEvent) if f.default is dataclasses.MISSING)
_ALLOWED = frozenset(f.name for f in dataclasses.fields(PlatformEvent))


def validate_platform_events(value: Any) -> dict[str, PlatformEvent]:
    """Platform events by `detail-type`, which is their API name unless an EventBridge rule replaces it."""
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"must map a platform event to what its fields mean, {_EXAMPLE}")
    return {name: _validate_platform_event(name, entry) for name, entry in value.items()}


def _validate_platform_event(name: str, entry: Any) -> PlatformEvent:
    if not isinstance(entry, dict) or not set(entry) >= _REQUIRED:
        raise ValueError(f"entry {name!r} must have {_format_names(_REQUIRED)}, {_EXAMPLE}")
    if not set(entry) <= _ALLOWED:
        raise ValueError(f"entry {name!r} may have only {_format_names(_ALLOWED)}")
    for key, said in entry.items():
        if not isinstance(said, str) or not said:
            raise ValueError(f"has the entry {name!r}, whose {key!r} must be a string that is not empty")
    found = PlatformEvent(**entry)
    if found.change not in CHANGE_WORDS and not found.change.endswith("__c"):
        words = ", ".join(CHANGE_WORDS)
        raise ValueError(
            f"entry {name!r} has a 'change' that is neither a field (...__c) nor one of: {words}"
        )
    return found


def _format_names(names: frozenset[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
