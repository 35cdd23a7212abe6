"""The package, with its defaults: one poller, one RQ worker."""

from __future__ import annotations

from benchmarks.throughput.contender import Contender, Program, Side, Tables

_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.throughput.ours.settings"}
_HANDLER = {**_SETTINGS, "PASSPORT_BENCH_APPS": "benchmarks.throughput.enrolment"}
_SHARED = {**_HANDLER, "PASSPORT_BENCH_SHARES": "1"}
_UNCACHED = {**_SETTINGS, "PASSPORT_BENCH_ORGANIZATION_CACHE_SECONDS": "0"}
_QUEUE = "passport-opportunities"
_FORK = "passport_events.handling.rq_worker.PassportWorker"
_SIMPLE = "passport_events.handling.rq_worker.PassportSimpleWorker"


def _programs(worker_class: str, variables: dict[str, str]) -> tuple[Program, ...]:
    return (
        Program(
            name="poller",
            arguments=("-m", "django", "poll_sqs"),
            role="bench_poller",
            variables=variables,
        ),
        Program(
            name="worker",
            arguments=("-m", "django", "rqworker", _QUEUE, "--worker-class", worker_class),
            ready=f"Listening on {_QUEUE}",
            variables=variables,
        ),
    )


def _contender(
    name: str,
    title: str,
    *,
    worker_class: str = _FORK,
    variables: dict[str, str] = _SETTINGS,
    events: int,
    quick_events: int,
    missing: str = "",
    in_table: bool = True,
) -> Contender:
    return Contender(
        name=name,
        title=f"passport_events{title}",
        side=Side.OURS,
        programs=_programs(worker_class, variables),
        receivers=2,
        events=events,
        quick_events=quick_events,
        missing=missing,
        tables=Tables.OURS,
        has_handler="PASSPORT_BENCH_APPS" in variables,
        in_table=in_table,
    )


CONTENDERS = (
    _contender("passport", ", RQ's fork worker", events=20_000, quick_events=3_000),
    _contender("passport-simple", ", SimpleWorker", worker_class=_SIMPLE, events=20_000, quick_events=3_000),
    _contender(
        "passport-handler",
        " with a handler, RQ's fork worker",
        variables=_HANDLER,
        events=3_000,
        quick_events=1_000,
    ),
    _contender(
        "passport-shared",
        " with a sharing handler, RQ's fork worker",
        variables=_SHARED,
        events=5_000,
        quick_events=1_000,
    ),
    _contender(
        "passport-uncached",
        " without the organization cache",
        variables=_UNCACHED,
        events=3_000,
        quick_events=2_000,
        missing="the organization cache",
        in_table=False,
    ),
)
