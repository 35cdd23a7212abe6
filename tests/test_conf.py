"""The settings: every key has a rule, every wrong value a sentence, and the dict may be replaced."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from passport_events import conf
from passport_events.conf import EventType, SettingProblem, Settings
from passport_events.event import S3_POINTER
from passport_events.exceptions import ConfigurationError
from tests.harness.strategies import recursive

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
TYPE = {"entities": ["Opportunity"], "queue": "passport-opportunities"}

# One wrong value per key, and what `manage.py check` says about it.
WRONG: dict[str, tuple[Any, str]] = {
    "QUEUE_URL": ("passport-events", "must be a URL that starts with https://"),
    "DEAD_LETTER_QUEUE_URLS": ([URL, URL], "names a URL twice"),
    "REGION": (None, "must be a string"),
    "ENDPOINT_URL": ("localhost:4566", "must be a URL that starts with https://"),
    "EVENT_TYPES": ([], "must map each event type to its entities and RQ queue"),
    "PLATFORM_EVENTS": (["Offer_Sent__e"], "must map a platform event to what its fields mean"),
    "TOPIC_ORGANIZATIONS": (["00D5f000005KcCnEAK"], "must map a topic's ARN to an organization's id"),
    "ALLOWED_TOPICS": ("arn:aws:sns:us-east-1:1:events", "must be a list of strings"),
    "S3_PAYLOAD_BUCKETS": (["s3://bucket"], "must be a list of bucket names: 3 to 63 of a-z, 0-9"),
    "S3_PAYLOAD_QUEUE": (None, "must be a string"),
    "HEARTBEAT_EVENTS": ("Passport_Heartbeat__e", "must be a list of strings"),
    "HEARTBEAT_TIMEOUT_SECONDS": (0, "must be a whole number of seconds between 1 and 604800"),
    "RECEIVERS": (0, "must be a whole number of threads between 1 and 64"),
    "SQS_WAIT_SECONDS": (21, "must be a whole number of seconds between 0 and 20"),
    "MAX_CONSECUTIVE_ERRORS": (True, "must be a whole number of errors between 1 and 1000000"),
    "MAX_BODY_BYTES": ("1 MiB", "must be a whole number of bytes between 1024 and 16777216"),
    "ORGANIZATION_CACHE_SECONDS": (31, "must be a whole number of seconds between 0 and 30"),
    "BATCH_SIZE": (2.5, "must be a whole number of messages between 1 and 2000"),
    "LEASE_SECONDS": (0.5, "must be between 1 and 3600 seconds"),
    "JOB_TIME_LIMIT_SECONDS": ("15", "must be a number of seconds"),
    "HANDLER_TIMEOUT_SECONDS": (0, "must be a whole number of seconds between 1 and 43200"),
    "MAX_RETRIES": (-1, "must be a whole number of retries between 0 and 100"),
    "BACKOFF_SECONDS": (0, "must be between 0.001 and 3600 seconds"),
    "BACKOFF_MAX_SECONDS": (float("nan"), "must be between 0.001 and 86400 seconds"),
    "PURGE_AUTOMATICALLY": (1, "must be True or False"),
    "PAYLOAD_RETENTION_DAYS": (0, "must be between 0.001 and 3650 days"),
    "DEAD_LETTER_RETENTION_DAYS": (4_000, "must be between 0.001 and 3650 days"),
    "DEDUPLICATION_RETENTION_DAYS": (39, "must be between 40 and 3650 days"),
    "DELETED_RECORD_RETENTION_DAYS": ("90", "must be a number of days"),
    "MIRROR_FIELDS": (["Name"], "must map an entity to its field names"),
    "OWN_CHANGE_ORIGINS": ("sync", "must be a list of strings"),
    "TRACE_URL": ("javascript:{trace_id}", "must be a URL that starts with https://"),
    "RUNBOOK_URL": ("https://wiki.example/{class}", "must be a URL with {error} in it, once"),
    "RELEASE": ("r" * 65, "must be a string of at most 64 characters"),
}


def problems(**settings: Any) -> list[SettingProblem]:
    return list(conf.find_problems({"QUEUE_URL": URL, **settings}))


def test_every_key_is_tried_below() -> None:
    assert set(WRONG) == {field.name.upper() for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_named_with_its_key_a_sentence_and_a_way_out(key: str) -> None:
    value, text = WRONG[key]
    (problem,) = problems(**{key: value})
    assert problem.key == key
    assert problem.text.startswith(text)
    assert problem.hint


@pytest.mark.parametrize("raw", [{}, {"QUEUE_URL": ""}, {"QUEUE_URL": None}, {"RECEIVERS": 2}])
def test_the_queue_is_required(raw: dict[str, Any]) -> None:
    (problem,) = conf.find_problems(raw)
    assert (problem.key, problem.text) == ("QUEUE_URL", "is required")


@pytest.mark.parametrize("raw", [None, [], "https://", 5])
def test_anything_but_a_dict_is_refused(raw: object) -> None:
    (problem,) = conf.find_problems(raw)
    assert problem.text == "must be a dict"


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("QUEUE_URI", "QUEUE_URL"),
        ("queue_url", "QUEUE_URL"),
        ("RECIEVERS", "RECEIVERS"),
        ("ORGANISATION_CACHE_SECONDS", "ORGANIZATION_CACHE_SECONDS"),
        ("MAX_ATTEMPTS", "MAX_RETRIES"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(key: Any, near: str) -> None:
    (problem,) = conf.find_problems({"QUEUE_URL": URL, key: 1})
    assert (problem.key, problem.text) == (str(key), "is not a setting")
    assert problem.hint.startswith(f"Did you mean {near}")


def test_every_problem_is_told_at_once() -> None:
    assert [p.key for p in problems(REGION=1, RECEIVERS=0, TYPO=1)] == ["REGION", "RECEIVERS", "TYPO"]


@pytest.mark.parametrize(
    ("types", "text"),
    [
        ({"": TYPE}, "has an event type whose name is not a string of 1 to 64 characters"),
        ({"t" * 65: TYPE}, "has an event type whose name"),
        ({5: TYPE}, "has an event type whose name"),
        ({"a": ["Opportunity"]}, "entry 'a' must have exactly 'entities' and 'queue'"),
        ({"a": {"entities": ["Opportunity"]}}, "entry 'a' must have exactly"),
        ({"a": {**TYPE, "handler": "f"}}, "entry 'a' must have exactly"),
        (
            {"a": {"entities": "Opportunity", "queue": "q"}},
            "has the entry 'a', whose 'entities' must be a list of strings, like ['Opportunity'], not one string",
        ),
        ({"a": {"entities": [], "queue": "q"}}, "entry 'a' needs at least one entity and a queue"),
        ({"a": {"entities": ["Opportunity"], "queue": ""}}, "entry 'a' needs at least one entity"),
        ({"a": {"entities": ["E" * 81], "queue": "q"}}, "entry 'a' has an entity whose name"),
        ({"s3-pointer": TYPE}, "must not define 's3-pointer': pointers come with S3_PAYLOAD_BUCKETS"),
        ({"opportunity": None, "a": TYPE, "b": TYPE}, "gives entity 'Opportunity' to both 'a' and 'b'"),
    ],
)
def test_event_types_that_could_not_work_are_refused(types: dict[Any, Any], text: str) -> None:
    (problem,) = problems(EVENT_TYPES=types)
    assert problem.text.startswith(text)


MEANING = {"event_type": "opportunity", "record_id": "Record_Id__c", "sequence": "CreatedDate"}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("opportunity", "entry 'E__e' must have 'event_type', 'record_id', 'sequence', like"),
        ({"event_type": "opportunity", "record_id": "Id__c"}, "entry 'E__e' must have"),
        ({**MEANING, "version": "V__c"}, "entry 'E__e' may have only 'change', 'entity', 'event_type', "),
        (
            {**MEANING, "sequence": ""},
            "has the entry 'E__e', whose 'sequence' must be a string that is not empty",
        ),
        ({**MEANING, "fields": 5}, "has the entry 'E__e', whose 'fields' must be a string"),
        ({**MEANING, "change": "changed"}, "entry 'E__e' has a 'change' that is neither"),
    ],
)
def test_a_platform_event_that_could_not_be_read_is_refused(entry: object, text: str) -> None:
    (problem,) = problems(PLATFORM_EVENTS={"E__e": entry})
    assert problem.text.startswith(text)


def test_a_platform_event_has_defaults() -> None:
    with override_settings(PASSPORT_EVENTS={"QUEUE_URL": URL, "PLATFORM_EVENTS": {"E__e": MEANING}}):
        found = conf.get_settings().platform_events["E__e"]
    assert (found.change, found.entity, found.fields) == ("upserted", "", "")


@pytest.mark.parametrize("organization", [5, "00D5f000005KcCn", "0065f000005KcCnEAK", "00D5f000005KcCnEA!"])
def test_a_topic_needs_the_id_of_an_organization(organization: object) -> None:
    (problem,) = problems(TOPIC_ORGANIZATIONS={"arn": organization})
    assert problem.text.startswith("needs organization ids of 18 characters that begin with 00D")


def test_a_fourth_type_needs_settings_only() -> None:
    with override_settings(
        PASSPORT_EVENTS={
            "QUEUE_URL": URL,
            "EVENT_TYPES": {
                **conf.DEFAULT_EVENT_TYPES,
                "contact": {"entities": ["Contact"], "queue": "people"},
            },
        }
    ):
        settings = conf.get_settings()
    assert settings.type_of_entity("Contact") == EventType("contact", ("Contact",), "people")
    assert settings.queues() == {
        "passport-opportunities": ["opportunity"],
        "passport-attachments": ["attachment"],
        "passport-items": ["item"],
        "people": ["contact"],
    }


def test_types_may_share_a_queue() -> None:
    off = dict.fromkeys(["opportunity", "attachment", "item"])
    types = {**off, "a": TYPE, "b": {"entities": ["Contact"], "queue": "passport-opportunities"}}
    with override_settings(PASSPORT_EVENTS={"QUEUE_URL": URL, "EVENT_TYPES": types}):
        assert conf.get_settings().queues() == {"passport-opportunities": ["a", "b"]}


def test_pointers_have_a_queue_only_where_there_are_buckets() -> None:
    assert S3_POINTER not in Settings().live_types()
    assert Settings(s3_payload_queue="large").queues() == Settings().queues()

    shared, own = (
        Settings(s3_payload_buckets=("bucket",)),
        Settings(s3_payload_buckets=("b",), s3_payload_queue="large"),
    )

    assert shared.queue_of(S3_POINTER) == "passport-opportunities"
    assert shared.queues()["passport-opportunities"] == ["opportunity", S3_POINTER]
    assert own.queue_of(S3_POINTER) == "large"
    assert own.queues() == {**Settings().queues(), "large": [S3_POINTER]}


@pytest.mark.parametrize("names", ["bucket", [""], ["a" * 64], ["Bucket"], ["arn:aws:s3:::bucket"], [5]])
def test_a_bucket_needs_a_name_that_s3_allows(names: object) -> None:
    (problem,) = problems(S3_PAYLOAD_BUCKETS=names)
    assert problem.text.startswith("must be a list of")


def test_only_the_queue_needs_to_be_set() -> None:
    with override_settings(PASSPORT_EVENTS={"QUEUE_URL": URL}):
        settings = conf.get_settings()
    assert settings == Settings(queue_url=URL)
    assert settings.type_of_entity("Opportunity") is not None
    assert settings.type_of_entity("Invoice__c") is None


def test_every_default_satisfies_its_own_rule() -> None:
    for field in dataclasses.fields(Settings):
        if field.name not in (
            "queue_url",
            "event_types",
            "mirror_fields",
            "platform_events",
            "topic_organizations",
        ):
            assert field.metadata["rule"](field.default) == field.default


def test_lists_become_values_that_nobody_can_change() -> None:
    with override_settings(
        PASSPORT_EVENTS={
            "QUEUE_URL": URL,
            "OWN_CHANGE_ORIGINS": ["sync"],
            "MIRROR_FIELDS": {"Opportunity": ["Name"]},
        }
    ):
        settings = conf.get_settings()
    assert settings.own_change_origins == ("sync",)
    assert settings.mirror_fields == {"Opportunity": frozenset({"Name"})}


def test_the_settings_are_read_again_when_the_dict_is_replaced() -> None:
    before = conf.get_settings()
    assert conf.get_settings() is before
    with override_settings(PASSPORT_EVENTS={"QUEUE_URL": URL, "RECEIVERS": 7}):
        assert conf.get_settings().receivers == 7
    assert conf.get_settings() == before


def test_wrong_settings_raise_the_first_problem_with_its_way_out() -> None:
    with (
        override_settings(PASSPORT_EVENTS={"QUEUE_URL": URL, "RECIEVERS": 7}),
        pytest.raises(ConfigurationError, match=r"'RECIEVERS'\] is not a setting\. Did you mean RECEIVERS\?"),
    ):
        conf.get_settings()


@pytest.mark.parametrize("key", [5, "", "FOO", b"QUEUE", None, ("a", 1), 1.5])
def test_a_key_that_is_like_no_setting_is_not_guessed(key: Any) -> None:
    """Case C11."""
    (problem,) = conf.find_problems({"QUEUE_URL": URL, key: 1})
    assert (problem.key, problem.text) == (str(key), "is not a setting")
    assert problem.hint == "Take it out. docs/settings.md lists every key."


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_a_dict_that_is_none_is_named_without_a_key(raw: Any) -> None:
    """Case C11."""
    (problem,) = conf.find_problems(raw)
    assert problem.place == "PASSPORT_EVENTS"
    with pytest.raises(ConfigurationError, match=r"^PASSPORT_EVENTS must be a dict\."):
        conf.parse_settings(raw)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("EVENT_TYPES", {"a": {"entities": "Visit__c", "queue": "q"}}, "the entry 'a', whose 'entities'"),
        ("EVENT_TYPES", {"a": {"entities": ["Visit__c"], "queue": 5}}, "the entry 'a', whose 'queue'"),
        ("MIRROR_FIELDS", {"Opportunity": "Name"}, "the entry 'Opportunity', which must be a list"),
        ("TOPIC_ORGANIZATIONS", {"arn": 5}, "entry 'arn'"),
        ("DEAD_LETTER_QUEUE_URLS", [URL, "x"], "the entry 'x', which must be a URL"),
        (
            "PLATFORM_EVENTS",
            {"E__e": {"event_type": "item", "record_id": 5, "sequence": "S"}},
            "the entry 'E__e', whose 'record_id'",
        ),
    ],
)
def test_a_wrong_entry_is_named(key: str, value: Any, named: str) -> None:
    """Case C11."""
    (problem,) = problems(**{key: value})
    assert problem.key == key
    assert named in problem.text


VALUES = recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.sampled_from([Path("/"), object(), Decimal("NaN"), {1}, URL, "http://[", "https://h:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9) | st.integers() | st.none(), inner, max_size=3)
        | st.fixed_dictionaries({"entities": inner, "queue": inner})
        | st.fixed_dictionaries({"event_type": inner, "record_id": inner, "sequence": inner})
    ),
    max_leaves=6,
)


@hypothesis.settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(key=st.sampled_from(sorted(WRONG)), value=VALUES)
def test_any_junk_is_a_problem_that_names_its_key_or_is_taken(key: str, value: Any) -> None:
    """Case C11. Never an exception; and what has no problem can be typed."""
    raw = {"QUEUE_URL": URL, key: value}
    found = list(conf.find_problems(raw))
    assert {problem.key for problem in found} <= {key}
    assert all(problem.text and problem.hint for problem in found)
    if not found:
        conf.parse_settings(raw)


def test_a_fourth_type_leaves_the_defaults_where_they_are() -> None:
    """Case C15. DESIGN: a fourth type needs settings and a handler only."""
    typed = conf.parse_settings(
        {"QUEUE_URL": URL, "EVENT_TYPES": {"visit": {"entities": ["Visit__c"], "queue": "q"}}}
    )
    assert list(typed.event_types) == ["opportunity", "attachment", "item", "visit"]
    assert typed.queue_of("item") == "passport-items"


def test_a_default_type_is_replaced_by_name_and_switched_off_by_none() -> None:
    """Case C15."""
    types = {"item": None, "opportunity": {"entities": ["Opportunity", "Quote"], "queue": "mine"}}
    typed = conf.parse_settings({"QUEUE_URL": URL, "EVENT_TYPES": types})
    assert list(typed.event_types) == ["opportunity", "attachment"]
    assert typed.event_types["opportunity"].queue == "mine"
    (problem,) = problems(EVENT_TYPES=dict.fromkeys(["opportunity", "attachment", "item"]))
    assert problem.text == "must leave at least one event type on"


def test_an_entity_of_a_default_type_is_given_away_only_on_purpose() -> None:
    """Case C15."""
    deal = {"entities": ["Opportunity"], "queue": "q"}
    (problem,) = problems(EVENT_TYPES={"deal": deal})
    assert "'opportunity': None switches the first one off" in problem.text
    assert problems(EVENT_TYPES={"deal": deal, "opportunity": None}) == []
