"""`manage.py check`: what works and one day will not. What is remote, `passport doctor` asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connections, router
from django.utils.module_loading import import_string

from passport_events import conf
from passport_events.aws_clients.queue_urls import find_configured_endpoint, has_same_host
from passport_events.models import ProcessedMessage
from passport_events.operating.backlog import WORKER_CLASS
from passport_events.operating.doctor.database import of_one_poller, pool_size

OTHER_WORKER = "passport_events.W001"
SMALL_POOL = "passport_events.W002"
SHORT_TIMES = "passport_events.W003"
ANOTHER_ENDPOINT = "passport_events.W004"

OUR_WORKERS = (WORKER_CLASS, "passport_events.handling.rq_worker.PassportSimpleWorker")

SHORTEST_LEASE_SECONDS = 15
"""Three renewals fit into a lease, and each may wait for Redis and for a lock."""


def check_surroundings(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Warnings about settings that are sound by themselves."""
    if any(conf.find_problems(getattr(django_settings, conf.DICT_NAME, {}))):
        return []  # said by another check
    settings = conf.get_settings()
    database = connections[router.db_for_write(ProcessedMessage)].settings_dict
    return [
        *_of_worker_class(settings, (getattr(django_settings, "RQ", None) or {}).get("WORKER_CLASS")),
        *_of_pool(pool_size(database), settings),
        *_of_times(settings),
        *_of_endpoints(settings),
    ]


def _of_worker_class(settings: conf.Settings, name: object) -> Iterator[CheckMessage]:
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


def _of_pool(size: int | None, settings: conf.Settings) -> Iterator[CheckMessage]:
    needed = of_one_poller(settings)
    if size is not None and size < needed:
        yield checks.Warning(
            f"Django's connection pool holds {size} connections, and a poller needs {needed}.",
            hint=f"Set OPTIONS['pool']['max_size'] to {needed} or more.",
            id=SMALL_POOL,
        )


def _of_times(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.lease_seconds < SHORTEST_LEASE_SECONDS:
        yield checks.Warning(
            f"{conf.DICT_NAME}['LEASE_SECONDS'] is {settings.lease_seconds}: a worker that waits for a lock "
            "loses its messages to the next one.",
            hint=f"Give it {SHORTEST_LEASE_SECONDS} seconds or more; tests may have less.",
            id=SHORT_TIMES,
        )
    if settings.backoff_max_seconds < settings.backoff_seconds:
        yield checks.Warning(
            f"{conf.DICT_NAME}['BACKOFF_MAX_SECONDS'] is below BACKOFF_SECONDS, so no delay ever grows.",
            hint="Raise the cap, or lower the first delay.",
            id=SHORT_TIMES,
        )


def _of_endpoints(settings: conf.Settings) -> Iterator[CheckMessage]:
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
