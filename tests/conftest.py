"""Servers and fixtures for every test. `pytest --database=sqlite` runs on SQLite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import django
import hypothesis
import pytest
from django.conf import settings as project

from project.embedded import ValkeyServer
from tests.harness import network
from tests.harness.aws import BUCKET, Moto, Sqs
from tests.harness.monolith import Monolith
from tests.harness.servers import Servers

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket
    from pytest_django.fixtures import Settings

    from tests.harness.notifications import Notifications

FUZZ = "fuzz"
hypothesis.settings.register_profile(FUZZ, max_examples=10_000, deadline=None, print_blob=True)

_SERVERS = pytest.StashKey[Servers]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--database`."""
    parser.addoption(
        "--database", choices=["postgresql", "sqlite"], default="postgresql", help="default: postgresql"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, then set up Django: its settings need the servers' ports."""
    if config.option.help or config.option.version:
        return
    if project.configured:
        raise pytest.UsageError("These tests bring their own settings. Unset DJANGO_SETTINGS_MODULE.")
    config.stash[_SERVERS] = Servers(config.option.database)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    network.stay_on_this_machine()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    if servers := config.stash.get(_SERVERS, None):
        servers.stop()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which database, because the suite runs on two."""
    return f"database: {config.option.database}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs PostgreSQL on SQLite."""
    if config.option.database == "postgresql":
        return
    for item in items:
        if item.get_closest_marker("postgresql"):
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: run with --database=postgresql"))


@pytest.fixture
def redis_server(pytestconfig: pytest.Config) -> ValkeyServer:
    """The session's Valkey, running and empty, even if the test before killed it."""
    server = pytestconfig.stash[_SERVERS].valkey.start()
    server.flush()
    return server


@pytest.fixture(scope="session")
def _moto() -> Iterator[Moto]:
    server = Moto()
    yield server
    server.stop()


@pytest.fixture
def sqs(_moto: Moto) -> Sqs:
    """A fresh topic with a subscribed queue; the queue is the one in `PASSPORT_EVENTS`."""
    _moto.reset()
    return _moto.create()


@pytest.fixture
def bucket(_moto: Moto, sqs: Sqs, settings: Settings) -> Bucket:
    """An empty bucket that pointers may point into, beside the queue of `sqs`."""
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}
    return _moto.create_bucket()


@pytest.fixture
def monolith(redis_server: ValkeyServer) -> Monolith:
    """The awkward host project, with empty databases."""
    return Monolith()


@pytest.fixture
def change_settings(settings: Settings) -> Callable[..., None]:
    """`change_settings(BATCH_SIZE=2)` changes keys of `PASSPORT_EVENTS` for this test."""

    def change(**keys: Any) -> None:
        settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, **keys}

    return change


@pytest.fixture
def notifications() -> Iterator[Notifications]:
    """Notifications that `instrumentation` emits during this test."""
    # Not above: pytest reads this file before Django has its settings.
    from passport_events import instrumentation  # noqa: PLC0415
    from tests.harness.notifications import Notifications  # noqa: PLC0415

    received = Notifications()
    instrumentation.subscribe(received)
    yield received
    instrumentation.unsubscribe(received)
