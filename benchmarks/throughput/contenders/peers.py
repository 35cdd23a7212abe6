"""Other people's libraries, each with the ORM and with two statements by hand, each set up with care."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime

from benchmarks.throughput.contender import Contender, Program, Side

_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.throughput.peers.settings"}
_ORM = {**_SETTINGS, "PASSPORT_BENCH_WORK": "orm"}
_SQL = {**_SETTINGS, "PASSPORT_BENCH_WORK": "sql"}
_ROWS = "merge by field, leases, attempts, dead letters that one sees, fairness; newest row wins"


def _celery(variables: dict[str, str]) -> tuple[Program, ...]:
    app = "benchmarks.throughput.peers.celery_app"
    options = ("--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO", "--without-gossip")
    return (
        Program(name="poller", arguments=("-m", app), role="bench_poller", variables=variables),
        Program(
            name="worker",
            arguments=("-m", "celery", "-A", app, "worker", *options, "--without-mingle"),
            ready=" ready.",
            variables=variables,
        ),
    )


def _dramatiq(variables: dict[str, str]) -> tuple[Program, ...]:
    options = ("--processes", "2", "--threads", "4", "--skip-logging")
    return (
        Program(
            name="workers",
            arguments=("-m", "dramatiq", "benchmarks.throughput.peers.dramatiq_app", *options),
            # The most that SQS hands out at once; its own choice would be eight.
            variables={**variables, "dramatiq_queue_prefetch": "10"},
        ),
    )


def _tasks(variables: dict[str, str]) -> tuple[Program, ...]:
    options = ("--concurrency", "2", "--max-messages", "10", "--no-heartbeat")
    apps = {"PASSPORT_BENCH_APPS": "django_tasks_sqs"}
    return _twice(("-m", "django", "sqs_worker", *options), {**variables, **apps})


def _twice(arguments: tuple[str, ...], variables: dict[str, str]) -> tuple[Program, ...]:
    return tuple(
        Program(name=f"consumer-{number}", arguments=arguments, variables=variables) for number in (1, 2)
    )


def _for_dramatiq(body: str) -> str:
    message = {
        "queue_name": "events",
        "actor_name": "handle",
        "args": [body],
        "kwargs": {},
        "options": {},
        "message_id": str(uuid.uuid4()),
        "message_timestamp": 1_778_192_987_000,
    }
    return base64.b64encode(json.dumps(message, separators=(",", ":")).encode()).decode()


def _for_tasks(body: str) -> str:
    message = {
        "v": 1,
        "id": uuid.uuid4().hex,
        "task": "benchmarks.throughput.peers.tasks.handle",
        "args": [body],
        "kwargs": {},
        "queue_name": "events",
        "backend": "default",
        "enqueued_at": datetime.now(UTC).isoformat(),
        "run_after": None,
        "priority": 0,
    }
    return json.dumps(message, separators=(",", ":"))


CONTENDERS = (
    Contender(
        name="celery-orm",
        title="Celery prefork fed by a poller, ORM",
        side=Side.PEER,
        programs=_celery(_ORM),
        receivers=1,
        events=2_000,
        quick_events=400,
        missing=f"what is in Redis is lost with it; {_ROWS}",
    ),
    Contender(
        name="celery-sql",
        title="Celery prefork fed by a poller, SQL by hand",
        side=Side.PEER,
        programs=_celery(_SQL),
        receivers=1,
        events=4_000,
        quick_events=800,
        missing=f"what is in Redis is lost with it; {_ROWS}",
    ),
    Contender(
        name="dramatiq-orm",
        title="dramatiq-sqs, 2 processes of 4 threads, ORM",
        side=Side.PEER,
        programs=_dramatiq(_ORM),
        receivers=2,
        events=3_000,
        quick_events=600,
        missing=f"reads only its own envelope; {_ROWS}",
        envelope=_for_dramatiq,
    ),
    Contender(
        name="dramatiq-sql",
        title="dramatiq-sqs, 2 processes of 4 threads, SQL by hand",
        side=Side.PEER,
        programs=_dramatiq(_SQL),
        receivers=2,
        events=5_000,
        quick_events=1_000,
        missing=f"reads only its own envelope; {_ROWS}",
        envelope=_for_dramatiq,
    ),
    Contender(
        name="tasks-orm",
        title="django-tasks-sqs, 2 processes of 2 threads, ORM",
        side=Side.PEER,
        programs=_tasks(_ORM),
        receivers=4,
        events=3_000,
        quick_events=600,
        missing=f"reads only its own envelope; {_ROWS}",
        envelope=_for_tasks,
        is_modern=True,
    ),
    Contender(
        name="tasks-sql",
        title="django-tasks-sqs, 2 processes of 2 threads, SQL by hand",
        side=Side.PEER,
        programs=_tasks(_SQL),
        receivers=4,
        events=5_000,
        quick_events=1_000,
        missing=f"reads only its own envelope; {_ROWS}",
        envelope=_for_tasks,
        is_modern=True,
    ),
    Contender(
        name="fanferro-orm",
        title="fanferro, 2 processes of 2 threads, ORM",
        side=Side.PEER,
        programs=_twice(("-m", "benchmarks.throughput.peers.fanferro_orm"), _ORM),
        receivers=2,
        events=4_000,
        quick_events=800,
        missing=f"no Django of its own; {_ROWS}",
        is_modern=True,
    ),
    Contender(
        name="fanferro-sql",
        title="fanferro, 2 processes, async psycopg, SQL by hand",
        side=Side.PEER,
        programs=_twice(("-m", "benchmarks.throughput.peers.fanferro_sql"), {}),
        receivers=2,
        events=10_000,
        quick_events=3_000,
        missing=f"no Django, no ORM; {_ROWS}",
        is_modern=True,
    ),
)
