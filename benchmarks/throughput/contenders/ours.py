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


CONTENDERS = (
    Contender(
        name="passport",
        title="passport_events, RQ's fork worker",
        side=Side.OURS,
        programs=_programs(_FORK, _SETTINGS),
        receivers=2,
        events=20_000,
        quick_events=3_000,
        missing="",
        tables=Tables.OURS,
    ),
    Contender(
        name="passport-simple",
        title="passport_events, SimpleWorker",
        side=Side.OURS,
        programs=_programs(_SIMPLE, _SETTINGS),
        receivers=2,
        events=20_000,
        quick_events=3_000,
        missing="",
        tables=Tables.OURS,
    ),
    Contender(
        name="passport-handler",
        title="passport_events with a handler, RQ's fork worker",
        side=Side.OURS,
        programs=_programs(_FORK, _HANDLER),
        receivers=2,
        events=3_000,
        quick_events=1_000,
        missing="",
        tables=Tables.OURS,
        has_handler=True,
    ),
    Contender(
        name="passport-shared",
        title="passport_events with a sharing handler, RQ's fork worker",
        side=Side.OURS,
        programs=_programs(_FORK, _SHARED),
        receivers=2,
        events=5_000,
        quick_events=1_000,
        missing="",
        tables=Tables.OURS,
        has_handler=True,
    ),
    Contender(
        name="passport-uncached",
        title="passport_events without the organization cache",
        side=Side.OURS,
        programs=_programs(_FORK, _UNCACHED),
        receivers=2,
        events=3_000,
        quick_events=2_000,
        missing="the organization cache",
        tables=Tables.OURS,
        in_table=False,
    ),
)
