"""The loop people write by hand, with RQ's two workers, and with a handler."""

from __future__ import annotations

from benchmarks.throughput.contender import Contender, Program, Side

_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.throughput.peers.settings"}
_RQ = {**_SETTINGS, "PASSPORT_BENCH_APPS": "django_rq"}
_HANDLER = {
    **_RQ,
    "PASSPORT_BENCH_APPS": "django_rq,benchmarks.throughput.enrolment",
    "PASSPORT_BENCH_HANDLER": "1",
}
_MISSING = "retries that outlive Redis, a lease, merge by field, dead letters; a lost job is lost"


def _loop(variables: dict[str, str]) -> Program:
    return Program(
        name="poller",
        arguments=("-m", "benchmarks.throughput.peers.naive"),
        role="bench_poller",
        variables=variables,
    )


def _worker(worker_class: str, variables: dict[str, str]) -> Program:
    return Program(
        name="worker",
        arguments=("-m", "benchmarks.throughput.peers.rq_worker", worker_class),
        ready="Listening on default",
        variables=variables,
    )


CONTENDERS = (
    Contender(
        name="naive",
        title="hand-written loop, RQ's fork worker",
        side=Side.NAIVE,
        programs=(_loop(_RQ), _worker("rq.Worker", _RQ)),
        receivers=1,
        events=250,
        quick_events=60,
        missing=_MISSING,
    ),
    Contender(
        name="naive-simple",
        title="hand-written loop, SimpleWorker",
        side=Side.NAIVE,
        programs=(_loop(_RQ), _worker("rq.SimpleWorker", _RQ)),
        receivers=1,
        events=1_000,
        quick_events=300,
        missing=_MISSING,
    ),
    Contender(
        name="naive-handler",
        title="hand-written loop with a handler, RQ's fork worker",
        side=Side.NAIVE,
        programs=(_loop(_RQ), _worker("rq.Worker", _HANDLER)),
        receivers=1,
        events=250,
        quick_events=60,
        missing=_MISSING,
        has_handler=True,
    ),
)
