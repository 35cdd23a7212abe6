"""Every setting on one screen: name, type, default, meaning, unit. `manage.py check` names a wrong one.

A project writes `PASSPORT_EVENTS = {"QUEUE_URL": "https://sqs...."}`; only `QUEUE_URL` is required.
Credentials never stand here: boto3's own chain finds them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from passport_events import conf_validators as rules
from passport_events.conf_validators import (
    DEFAULT_EVENT_TYPES,
    EventType,
    PlatformEvent,
)
from passport_events.event import S3_POINTER
from passport_events.exceptions import ConfigurationError

__all__ = [
    "DEFAULT_EVENT_TYPES",
    "DICT_NAME",
    "EventType",
    "PlatformEvent",
    "SettingProblem",
    "Settings",
    "find_problems",
    "get_settings",
    "parse_settings",
]

DICT_NAME = "PASSPORT_EVENTS"
_NEAR = 0.6
"""How alike two names are, from 0 to 1, for one to be a slip of the other."""


def _define_setting(default: Any, rule: rules.Rule) -> Any:
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: rule(default), metadata={"rule": rule})
    return dataclasses.field(default=default, metadata={"rule": rule})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The typed settings. Attribute names are the keys in lower case."""

    queue_url: str = _define_setting("", rules.validate_url)
    """The SQS queue to receive from. Required."""
    dead_letter_queue_urls: tuple[str, ...] = _define_setting((), rules.validate_urls)
    """SQS's dead letter queues, of `QUEUE_URL` and of the SNS subscription: what `ingest-dlq` reads."""
    region: str = _define_setting("", rules.validate_text)
    """AWS region; by default the one in `QUEUE_URL`, else boto3's own chain."""
    endpoint_url: str = _define_setting("", rules.validate_optional_url)
    """Another SQS and SNS endpoint: an emulator. By default the server in `QUEUE_URL`."""
    event_types: Mapping[str, EventType] = _define_setting({}, rules.validate_event_types)
    """Event type -> its Salesforce entities and RQ queue, over the three defaults. None switches one off."""

    platform_events: Mapping[str, PlatformEvent] = _define_setting({}, rules.validate_platform_events)
    """Platform event (its `detail-type`) -> which of its fields mean what."""
    topic_organizations: Mapping[str, str] = _define_setting({}, rules.validate_organizations)
    """SNS topic ARN -> Salesforce organization id, for messages that name none themselves."""
    allowed_topics: tuple[str, ...] = _define_setting((), rules.validate_texts)
    """The only SNS topics to take messages from. Raw delivery names no topic, so it is not affected."""
    s3_payload_buckets: tuple[str, ...] = _define_setting((), rules.validate_buckets)
    """The only S3 buckets that messages may point into. Without any, every pointer is quarantined."""
    s3_payload_queue: str = _define_setting("", rules.validate_text)
    """The RQ queue whose workers fetch what pointers point at; by default that of the first event type."""

    heartbeat_events: tuple[str, ...] = _define_setting(("Passport_Heartbeat__e",), rules.validate_texts)
    """Platform events (by `detail-type`) that are an organization's heartbeat, and no change of a record."""
    heartbeat_timeout_seconds: int = _define_setting(900, rules.make_whole_number_rule(1, 604_800, "seconds"))
    """An organization that sent heartbeats and is silent for longer is a finding of `passport health`."""

    receivers: int = _define_setting(16, rules.make_whole_number_rule(1, 64, "threads"))
    """Threads of one poller that receive and delete; one more stores, from 32 on two."""
    sqs_wait_seconds: int = _define_setting(20, rules.make_whole_number_rule(0, 20, "seconds"))
    """Length of SQS's long poll."""
    max_consecutive_errors: int = _define_setting(60, rules.make_whole_number_rule(1, 1_000_000, "errors"))
    """After so many failed polls in a row (about half an hour) the poller exits 1, for its supervisor."""
    max_body_bytes: int = _define_setting(1_048_576, rules.make_whole_number_rule(1_024, 16_777_216, "bytes"))
    """A larger body is stored and quarantined, not read."""
    organization_cache_seconds: int = _define_setting(25, rules.make_whole_number_rule(0, 30, "seconds"))
    """How old a cached organization may be, everywhere."""

    batch_size: int = _define_setting(200, rules.make_whole_number_rule(1, 2_000, "messages"))
    """How many due messages one claim takes."""
    lease_seconds: float = _define_setting(60, rules.make_range_rule(1, 3_600, "seconds"))
    """How long a dead worker's messages stay claimed. Living workers renew."""
    job_time_limit_seconds: float = _define_setting(15, rules.make_range_rule(0.1, 600, "seconds"))
    """After so long an RQ job ends, so that deploys and other queues get their turn."""
    handler_timeout_seconds: int = _define_setting(120, rules.make_whole_number_rule(1, 43_200, "seconds"))
    """RQ interrupts a job whose handler runs longer than this after the time slice."""
    max_retries: int = _define_setting(15, rules.make_whole_number_rule(0, 100, "retries"))
    """Retries after the first attempt; then the message is a dead letter."""
    backoff_seconds: float = _define_setting(10, rules.make_range_rule(0.001, 3_600, "seconds"))
    """Delay before the first retry; each further one doubles it."""
    backoff_max_seconds: float = _define_setting(21_600, rules.make_range_rule(0.001, 86_400, "seconds"))
    """The longest delay between two attempts."""

    payload_retention_days: float = _define_setting(14, rules.make_range_rule(0.001, 3_650, "days"))
    """What deliveries and messages say is purged so long after they ended."""
    dead_letter_retention_days: float = _define_setting(90, rules.make_range_rule(0.001, 3_650, "days"))
    """The same of dead letters and quarantined messages."""
    deduplication_retention_days: float = _define_setting(90, rules.make_range_rule(40, 3_650, "days"))
    """Messages and their dedup keys are purged so long after they ended."""
    deleted_record_retention_days: float = _define_setting(90, rules.make_range_rule(40, 3_650, "days"))
    """Records that Salesforce deleted leave the mirror so long after."""

    purge_automatically: bool = _define_setting(True, rules.validate_flag)
    """Purge by the periodic tasks of pollers, workers and dispatchers, every six hours."""

    mirror_fields: Mapping[str, frozenset[str]] = _define_setting({}, rules.validate_fields)
    """Entity -> the only fields its mirror keeps. An entity that is not named keeps all."""
    own_change_origins: tuple[str, ...] = _define_setting((), rules.validate_texts)
    """`client=` values of changeOrigin that are our own writes: merged, not handled."""
    trace_url: str = _define_setting("", rules.make_url_rule("trace_id"))
    """Where a trace is shown: the admin links there. `{trace_id}` becomes its 32 hexadecimal digits."""
    runbook_url: str = _define_setting("", rules.make_url_rule("error"))
    """What to do about an error: `{error}` becomes its class in full, or the reason of a quarantine."""
    release: str = _define_setting("", rules.make_short_text_rule(64))
    """What your deployment calls this version of the code; kept with every attempt."""

    def type_of_entity(self, entity: str) -> EventType | None:
        """The event type that covers a Salesforce object."""
        return next((t for t in self.event_types.values() if entity in t.entities), None)

    def queues(self) -> dict[str, list[str]]:
        """RQ queue -> the event types that it works on."""
        found: dict[str, list[str]] = {}
        for name in self.live_types():
            found.setdefault(self.queue_of(name), []).append(name)
        return found

    def live_types(self) -> list[str]:
        """Everything that a message which waits can be: the event types, and pointers where they are on."""
        return [*self.event_types, *((S3_POINTER,) if self.s3_payload_buckets else ())]

    def queue_of(self, event_type: str) -> str:
        """The RQ queue that works on messages of this type."""
        if event_type == S3_POINTER:
            return self.s3_payload_queue or next(iter(self.event_types.values())).queue
        return self.event_types[event_type].queue


def _map_fields() -> dict[str, dataclasses.Field[Any]]:
    return {field.name.upper(): field for field in dataclasses.fields(Settings)}


@dataclasses.dataclass(frozen=True, slots=True)
class SettingProblem:
    """One wrong setting: which key, what is wrong, and the way out."""

    key: str
    text: str
    hint: str

    @property
    def place(self) -> str:
        """As a person finds it in the settings."""
        return DICT_NAME if self.key == DICT_NAME else f"{DICT_NAME}[{self.key!r}]"


def find_problems(raw: Any) -> Iterator[SettingProblem]:
    """Everything that is wrong with a value of `PASSPORT_EVENTS`."""
    known = _map_fields()
    if not isinstance(raw, dict):
        yield SettingProblem(DICT_NAME, "must be a dict", f'{DICT_NAME} = {{"QUEUE_URL": "https://..."}}')
        return
    if not raw.get("QUEUE_URL"):
        yield SettingProblem(
            "QUEUE_URL", "is required", "Set it to the URL of the SQS queue that SNS delivers to."
        )
    for key, value in raw.items():
        if key not in known:
            yield SettingProblem(str(key), "is not a setting", _suggest_key(str(key), known))
        elif value or key != "QUEUE_URL":
            try:
                known[key].metadata["rule"](value)
            except ValueError as error:
                yield SettingProblem(key, str(error), _SEE_DOCS)
            except Exception as error:  # noqa: BLE001  a value may be anything, and a check must not break
                yield SettingProblem(
                    key, f"has a value that cannot be read ({type(error).__name__})", _SEE_DOCS
                )


_SEE_DOCS = "See docs/settings.md for its meaning and default."


def _suggest_key(key: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key.upper(), list(known), n=1, cutoff=_NEAR)
    return f"Did you mean {near[0]}?" if near else "Take it out. docs/settings.md lists every key."


def parse_settings(raw: Any) -> Settings:
    """A value of `PASSPORT_EVENTS`, typed. Raises ConfigurationError naming the first wrong key."""
    for problem in find_problems(raw):
        raise ConfigurationError(f"{problem.place} {problem.text}. {problem.hint}")
    known = _map_fields()
    return Settings(**{key.lower(): known[key].metadata["rule"](value) for key, value in raw.items()})


_last: list[tuple[Any, Settings]] = []


def get_settings() -> Settings:
    """The settings as they stand now.

    Raises ConfigurationError naming the first wrong key. Parsed again whenever the dict is
    replaced, as `override_settings` does.
    """
    # Here and not above: the contract checker reads messages where there is no Django project.
    from django.conf import settings as django_settings  # noqa: PLC0415

    raw = getattr(django_settings, DICT_NAME, {})
    for parsed, settings in _last:
        if parsed is raw:
            return settings
    settings = parse_settings(raw)
    _last[:] = [(raw, settings)]
    return settings
