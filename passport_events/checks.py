"""`manage.py check`: every wrong setting by name, and how to fix it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import connections, router
from django.utils.module_loading import import_string

from passport_events import conf
from passport_events.aws_clients.queue_urls import find_configured_endpoint, find_region, has_same_host
from passport_events.exceptions import Unreadable
from passport_events.handling.registry import get_handlers, get_problems
from passport_events.models import ProcessedMessage
from passport_events.operating.backlog import WORKER_CLASS
from passport_events.operating.doctor.database import count_connections_per_poller, get_pool_size
from passport_events.salesforce_ids import normalize_id

BAD_SETTING = "passport_events.E001"
UNKNOWN_QUEUE = "passport_events.E002"
UNKNOWN_TYPE = "passport_events.E004"
UNSUPPORTED_DATABASE = "passport_events.E005"
WRONG_HANDLER = "passport_events.E006"


def start() -> None:
    """Register the checks."""
    register(check_settings, "passport_events")
    register(check_surroundings, "passport_events")
    register(check_handlers, "passport_events")
    register(check_database, "passport_events", "database")


def check_settings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Wrong keys and values first; only sound settings are compared with the rest of the project."""
    raw = getattr(django_settings, conf.DICT_NAME, {})
    wrong: list[CheckMessage] = [
        Error(f"{problem.place} {problem.text}.", hint=problem.hint, id=BAD_SETTING)
        for problem in conf.find_problems(raw)
    ]
    return wrong or list(_check_project(conf.get_settings()))


def _check_project(settings: conf.Settings) -> Iterator[CheckMessage]:
    queues = getattr(django_settings, "RQ_QUEUES", None) or {}
    for event_type in settings.event_types.values():
        if event_type.queue not in queues:
            yield Error(
                f"{conf.DICT_NAME}['EVENT_TYPES'][{event_type.name!r}] names the RQ queue "
                f"{event_type.queue!r}, which RQ_QUEUES does not have.",
                hint=f"Add {event_type.queue!r} to RQ_QUEUES{_or_one_of(queues)}. "
                f"If {event_type.name!r} is not wanted: EVENT_TYPES = {{{event_type.name!r}: None}}.",
                id=UNKNOWN_QUEUE,
            )
    own_queue = settings.s3_payload_queue
    if own_queue and own_queue not in queues:
        yield Error(
            f"{conf.DICT_NAME}['S3_PAYLOAD_QUEUE'] is {own_queue!r}, which RQ_QUEUES does not have.",
            hint=f"Add {own_queue!r} to RQ_QUEUES{_or_one_of(queues)}.",
            id=UNKNOWN_QUEUE,
        )
    if settings.queue_url in settings.dead_letter_queue_urls:
        yield Error(
            f"{conf.DICT_NAME}['DEAD_LETTER_QUEUE_URLS'] names QUEUE_URL, which the poller reads.",
            hint="Name the queues that its RedrivePolicy and that of the SNS subscription lead to.",
            id=BAD_SETTING,
        )
    yield from _check_regions(settings)
    yield from _check_platform_events(settings)
    yield from _check_heartbeats(settings)
    yield from _check_topics(settings)
    for name, handler in get_handlers().items():
        if name not in settings.event_types:
            yield Error(
                f"{handler.name} handles {name!r}, which {conf.DICT_NAME}['EVENT_TYPES'] does not have.",
                hint=f"Add it to EVENT_TYPES, or handle one of: {', '.join(settings.event_types)}.",
                id=UNKNOWN_TYPE,
            )


def _check_regions(settings: conf.Settings) -> Iterator[CheckMessage]:
    named = find_region(settings.queue_url)
    if settings.region and named and settings.region != named:
        yield Error(
            f"{conf.DICT_NAME}['REGION'] is {settings.region!r}, and QUEUE_URL is in {named!r}.",
            hint="Take REGION out: it is read from QUEUE_URL. Or correct the URL.",
            id=BAD_SETTING,
        )


def _check_platform_events(settings: conf.Settings) -> Iterator[CheckMessage]:
    for name, meaning in settings.platform_events.items():
        where = f"{conf.DICT_NAME}['PLATFORM_EVENTS'][{name!r}]"
        event_type = settings.event_types.get(meaning.event_type)
        if event_type is None:
            yield Error(
                f"{where} names {meaning.event_type!r}, which {conf.DICT_NAME}['EVENT_TYPES'] does not have.",
                hint=f"Add it to EVENT_TYPES, or name one of: {', '.join(settings.event_types)}.",
                id=UNKNOWN_TYPE,
            )
        elif meaning.entity and meaning.entity not in event_type.entities:
            yield Error(
                f"{where} names the entity {meaning.entity!r}, which {event_type.name!r} does not cover.",
                hint=f"Add it in EVENT_TYPES, or name one of: {', '.join(event_type.entities)}.",
                id=UNKNOWN_TYPE,
            )


def _check_heartbeats(settings: conf.Settings) -> Iterator[CheckMessage]:
    for name in sorted(settings.platform_events.keys() & set(settings.heartbeat_events)):
        yield Error(
            f"{conf.DICT_NAME}['PLATFORM_EVENTS'] describes {name!r}, which is in HEARTBEAT_EVENTS too: "
            "it would never be an event.",
            hint="Take it out of one of the two.",
            id=BAD_SETTING,
        )


def _check_topics(settings: conf.Settings) -> Iterator[CheckMessage]:
    for topic, organization in settings.topic_organizations.items():
        try:
            normalize_id(organization)
        except Unreadable as error:
            yield Error(
                f"{conf.DICT_NAME}['TOPIC_ORGANIZATIONS'][{topic!r}] is no id: {error.detail}.",
                hint="Copy the organization's id of 18 characters from Salesforce.",
                id=BAD_SETTING,
            )


def check_handlers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """Every wrong registration with `@handles` in an `event_handlers.py`.

    Not for `migrate`, which names databases: a deployment needs its tables even if a handler is wrong.
    """
    if databases is not None:
        return []
    return [
        Error(str(problem), hint="See docs/handlers.md. Until then every message fails.", id=WRONG_HANDLER)
        for problem in get_problems()
    ]


def _or_one_of(names: Collection[str]) -> str:
    return f", or name one of: {', '.join(sorted(names))}" if names else ""


def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """The database that our rows are written to must be one that the claims are proven on."""
    connection = connections[router.db_for_write(ProcessedMessage)]
    if connection.vendor not in ("postgresql", "sqlite"):
        return [
            Error(
                f"Messages would be stored on {connection.vendor}, which passport_events is not tested on.",
                hint="Route the app passport_events to a PostgreSQL database.",
                id=UNSUPPORTED_DATABASE,
            )
        ]
    return []


OTHER_WORKER = "passport_events.W001"
SMALL_POOL = "passport_events.W002"
SHORT_TIMES = "passport_events.W003"
ANOTHER_ENDPOINT = "passport_events.W004"

OUR_WORKERS = (WORKER_CLASS, "passport_events.handling.rq_worker.PassportSimpleWorker")

MIN_LEASE_SECONDS = 15
"""Three renewals fit into a lease, and each may wait for Redis and for a lock."""


def check_surroundings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Warnings about settings that are sound by themselves."""
    if any(conf.find_problems(getattr(django_settings, conf.DICT_NAME, {}))):
        return []  # said by another check
    settings = conf.get_settings()
    database = connections[router.db_for_write(ProcessedMessage)].settings_dict
    return [
        *_check_worker_class(settings, (getattr(django_settings, "RQ", None) or {}).get("WORKER_CLASS")),
        *_check_pool(get_pool_size(database), settings),
        *_check_timeouts(settings),
        *_check_endpoints(settings),
    ]


def _check_worker_class(settings: conf.Settings, name: object) -> Iterator[CheckMessage]:
    if not _is_ours(name):
        queues = ", ".join(settings.queues())
        yield checks.Warning(
            f"RQ['WORKER_CLASS'] is {name!r}: rqworker and rqworker-pool start workers that cannot read our "
            "hints, which are JSON, and that execute whatever job somebody writes to Redis.",
            hint=f'Set RQ = {{"WORKER_CLASS": "{WORKER_CLASS}"}}. Where other jobs need another class, start '
            f"the workers of {queues} with --worker-class {WORKER_CLASS}, and silence this check.",
            id=OTHER_WORKER,
        )


def _is_ours(name: object) -> bool:
    if name in OUR_WORKERS:
        return True
    try:
        found = import_string(name) if isinstance(name, str) else name
    except ImportError:
        return False
    bases = getattr(found, "__mro__", ())
    return any(f"{base.__module__}.{base.__qualname__}" in OUR_WORKERS for base in bases)


def _check_pool(size: int | None, settings: conf.Settings) -> Iterator[CheckMessage]:
    needed = count_connections_per_poller(settings)
    if size is not None and size < needed:
        yield checks.Warning(
            f"Django's connection pool holds {size} connections, and a poller needs {needed}.",
            hint=f"Set OPTIONS['pool']['max_size'] to {needed} or more.",
            id=SMALL_POOL,
        )


def _check_timeouts(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.lease_seconds < MIN_LEASE_SECONDS:
        yield checks.Warning(
            f"{conf.DICT_NAME}['LEASE_SECONDS'] is {settings.lease_seconds}: a worker that waits for a lock "
            "loses its messages to the next one.",
            hint=f"Give it {MIN_LEASE_SECONDS} seconds or more; tests may have less.",
            id=SHORT_TIMES,
        )
    if settings.backoff_max_seconds < settings.backoff_seconds:
        yield checks.Warning(
            f"{conf.DICT_NAME}['BACKOFF_MAX_SECONDS'] is below BACKOFF_SECONDS, so no delay ever grows.",
            hint="Raise the cap, or lower the first delay.",
            id=SHORT_TIMES,
        )


def _check_endpoints(settings: conf.Settings) -> Iterator[CheckMessage]:
    """What the environment says goes before the URL of a queue, as everywhere in boto3."""
    if settings.endpoint_url:
        return
    name, asked = find_configured_endpoint("sqs")
    for key, urls in (
        ("QUEUE_URL", [settings.queue_url]),
        ("DEAD_LETTER_QUEUE_URLS", settings.dead_letter_queue_urls),
    ):
        if asked and not all(has_same_host(asked, url) for url in urls):
            yield checks.Warning(
                f"Requests go to {asked}, which the variable {name} names, and not to the server in "
                f"{conf.DICT_NAME}[{key!r}].",
                hint=f"Unset {name}, or set ENDPOINT_URL to say that it is meant.",
                id=ANOTHER_ENDPOINT,
            )
