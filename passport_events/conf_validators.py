"""The rules of the settings: each turns a raw value into the typed one, or says what is wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from passport_events.event import S3_POINTER

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


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def flag(value: Any) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def short_text(longest: int) -> Rule:
    """A string that fits into its column."""

    def rule(value: Any) -> str:
        if len(text(value)) > longest:
            raise ValueError(f"must be a string of at most {longest} characters")
        return str(value)

    return rule


def url(value: Any) -> str:
    """An address. Plain http is for emulators."""
    if not text(value).startswith(("http://", "https://")):
        raise ValueError("must be a URL that starts with https://")
    try:
        has_host = bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        has_host = False
    if not has_host or not value.isprintable() or " " in value:
        raise ValueError("must be a URL with a host, and without spaces")
    return str(value)


def urls(value: Any) -> tuple[str, ...]:
    """Addresses, each once."""
    found = tuple(_in_entry(each, url, each) for each in texts(value))
    if len(set(found)) < len(found):
        raise ValueError("names a URL twice")
    return found


def optional_url(value: Any) -> str:
    """An address, or nothing."""
    return "" if value is None or value == "" else url(value)


def url_with(name: str) -> Rule:
    """An address with one place in it, `{name}`, or nothing. As a link it must not be a script."""

    def rule(value: Any) -> str:
        if value == "":
            return ""
        if re.findall(r"\{.*?\}|[{}]", url(value)) != [f"{{{name}}}"]:
            raise ValueError(f"must be a URL with {{{name}}} in it, once")
        return str(value)

    return rule


def between(low: float, high: float, unit: str) -> Rule:
    """A number from `low` to `high`."""

    def rule(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be a number of {unit}")
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high} {unit}")
        return value

    return rule


def whole(low: int, high: int, unit: str) -> Rule:
    """A whole number from `low` to `high`; True is none."""

    def rule(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number of {unit} between {low} and {high}")
        return value

    return rule


def texts(value: Any) -> tuple[str, ...]:
    """Strings, in the order given; one string is no list of its letters."""
    if isinstance(value, str):
        raise ValueError(f"must be a list of strings, like [{value[:80]!r}], not one string")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    return tuple(value)


def is_bucket(name: str) -> bool:
    """Whether S3 allows it as a bucket's name. ARNs, which boto3 would take in its place, are none."""
    return _BUCKET.fullmatch(name) is not None


def buckets(value: Any) -> tuple[str, ...]:
    """Names of S3 buckets."""
    names = texts(value)
    if not all(map(is_bucket, names)):
        raise ValueError("must be a list of bucket names: 3 to 63 of a-z, 0-9, dots and hyphens each")
    return names


def fields(value: Any) -> dict[str, frozenset[str]]:
    """Field names by entity."""
    example = 'like {"Opportunity": ["Name"]}'
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"must map an entity to its field names, {example}")
    return {entity: frozenset(_in_entry(entity, texts, names)) for entity, names in value.items()}


def organizations(value: Any) -> dict[str, str]:
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


def _in_entry(name: str, rule: Rule, value: Any, key: str = "") -> Any:
    """The rule, whose complaint names the entry of a mapping, and the key in it."""
    try:
        return rule(value)
    except ValueError as error:
        raise ValueError(f"has the entry {name!r}, {f'whose {key!r}' if key else 'which'} {error}") from error


def _event_type(name: Any, entry: Any, example: str) -> tuple[tuple[str, ...], str]:
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise ValueError("has an event type whose name is not a string of 1 to 64 characters")
    if name == S3_POINTER:
        raise ValueError(f"must not define {name!r}: pointers come with S3_PAYLOAD_BUCKETS")
    if not isinstance(entry, dict) or set(entry) != {"entities", "queue"}:
        raise ValueError(f"entry {name!r} must have exactly 'entities' and 'queue', {example}")
    entities = _in_entry(name, texts, entry["entities"], "entities")
    queue = _in_entry(name, text, entry["queue"], "queue")
    if not entities or not queue:
        raise ValueError(f"entry {name!r} needs at least one entity and a queue, {example}")
    return entities, queue


def event_types(value: Any) -> dict[str, EventType]:
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
        entities, queue = _event_type(name, entry, example)
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
