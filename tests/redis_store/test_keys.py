"""Case B5. Installations that share a Redis never use each other's keys."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from passport_events.dispatching import dispatcher, hints, rate_limits
from passport_events.dispatching.flow_control import RateLimit, Scope
from passport_events.handling import jobs
from passport_events.handling.locks import RecordLocks
from passport_events.redis_store import keys
from project.embedded import ValkeyServer

QUEUE = "passport-opportunities"
RECORD = (1, "006000000000001AAA")


@contextmanager
def elsewhere(**changes: Any) -> Iterator[None]:
    """As a process whose database is another one."""
    before = {name: connection.settings_dict.get(name) for name in changes}
    connection.settings_dict.update(changes)
    try:
        yield
    finally:
        connection.settings_dict.update(before)


@pytest.mark.parametrize(
    "change",
    [
        {"NAME": "staging"},
        {"HOST": "staging.example.com"},
        {"PORT": "6432"},
        {"OPTIONS": {"options": "-c search_path=tenant_b"}},
        {"OPTIONS": {"service": "staging"}},
    ],
)
def test_another_database_is_another_installation(change: dict[str, Any]) -> None:
    """Case B5."""
    here = keys.get_installation()
    with elsewhere(**change):
        assert keys.get_installation() != here
    assert keys.get_installation() == here


def test_another_schema_of_a_tenant_is_another_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case B5. django-tenants sets this attribute of a connection."""
    here = keys.get_installation()
    monkeypatch.setattr(connection, "schema_name", "tenant_b", raising=False)

    assert keys.get_installation() != here


def test_another_secret_is_another_installation(settings: Settings) -> None:
    """Case B5. Both may reach their database through a pooler on `localhost`."""
    here = keys.get_installation()
    settings.SECRET_KEY = "of staging"

    assert keys.get_installation() != here


def test_what_does_not_lead_to_other_tables_changes_nothing() -> None:
    here = keys.get_installation()
    with elsewhere(OPTIONS={"pool": True, "connect_timeout": 3}, CONN_MAX_AGE=60, USER="poller"):
        assert keys.get_installation() == here
    with elsewhere(HOST=str(connection.settings_dict["HOST"]).upper()):
        assert keys.get_installation() == here


def test_a_name_shows_no_secret_and_no_address() -> None:
    name = keys.make_key("hint", QUEUE)

    assert name == f"rq:passport:hint:{keys.get_installation()}:{QUEUE}"
    assert len(keys.get_installation()) == keys.INSTALLATION_LENGTH
    assert int(keys.get_installation(), 16)


def test_two_installations_of_one_redis_do_not_hold_up_each_other(redis_server: ValkeyServer) -> None:
    """Case B5. Flags, ticks, locks and rate limits of one are not seen by the other."""
    locks, limit = RecordLocks(hints.get_connection(QUEUE)), RateLimit(1, Scope("opportunity", None), 10)
    lease = timedelta(minutes=1)

    for _ in range(2):
        assert hints.send([QUEUE]) == 1
        assert dispatcher._acquire_tick()
        assert locks.acquire([RECORD], uuid.uuid4(), lease) == {RECORD}
        assert rate_limits._reserve(locks.redis, limit, 1) == 1
        switch = elsewhere(NAME="the other")
        switch.__enter__()
    switch.__exit__(None, None, None)


def test_prefixes_of_rq_separate_everything(redis_server: ValkeyServer) -> None:
    """Case B5. Given the same database, an RQ_KEY_PREFIX each keeps them apart, and is in every key."""
    send = "import django; django.setup()\nfrom passport_events.dispatching import dispatcher, hints\n"
    send += f"print(hints.send([{QUEUE!r}]), dispatcher._acquire_tick(), len(hints.get_rq_queue({QUEUE!r})))"
    for prefix in ("a", "{b}"):
        told = subprocess.run(
            [sys.executable, "-c", send],
            env={**os.environ, "RQ_KEY_PREFIX": prefix},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() == ["1", "True", "1"]

    found = [key.decode() for key in hints.get_connection(QUEUE).scan_iter()]
    assert {key.split(":")[0] for key in found} == {"a", "{b}"}


def test_a_hint_that_came_from_elsewhere_clears_the_flag_of_its_sender(
    redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one installation whose poller spells its database otherwise, its next hint waits for nothing."""
    monkeypatch.setattr(jobs, "work", lambda name: 0)
    monkeypatch.setattr(dispatcher, "tick", lambda: 0)
    with elsewhere(HOST="pooler.internal"):
        assert hints.send([QUEUE]) == 1
    [job] = hints.get_rq_queue(QUEUE).jobs

    jobs.work_on_queue(*job.args)

    with elsewhere(HOST="pooler.internal"):
        assert hints.send([QUEUE]) == 1
