"""What must be there before the first event: tables, organizations, the watch, processes that answer."""

from __future__ import annotations

import time

from django.core.management import call_command
from redis import RedisError
from rq import Worker

from passport_events.models import Heartbeat, Mode, SalesforceOrganization
from tests.chaos import audit
from tests.chaos.ablations import DROPPED_CONSTRAINTS
from tests.chaos.cluster import Cluster
from tests.chaos.story import ORGANIZATIONS, SHADOW

READY_SECONDS = 120.0


class PreparationError(Exception):
    """The pipeline does not start. The message says where the logs are."""


def fill_database(cluster: Cluster, ablation: str) -> None:
    """Make the tables, and an organization for each part of the story."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    # In bulk, because saving one alone would also tell a cache that nobody has filled yet.
    SalesforceOrganization.objects.bulk_create(
        SalesforceOrganization(
            salesforce_id=salesforce_id,
            name=salesforce_id,
            mode=Mode.SHADOW if salesforce_id == SHADOW else Mode.LIVE,
        )
        for salesforce_id in ORGANIZATIONS
    )
    with cluster.database() as database:
        audit.watch(database)
        if ablation in DROPPED_CONSTRAINTS:
            table, constraint = DROPPED_CONSTRAINTS[ablation]
            database.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}".encode())


def wait_until_ready(cluster: Cluster) -> None:
    """Return when every poller polls and every worker waits for hints. Raises PreparationError."""
    deadline = time.monotonic() + READY_SECONDS
    while Heartbeat.objects.count() < len(cluster.pollers) or _workers(cluster) < len(cluster.workers):
        if time.monotonic() > deadline:
            raise PreparationError(
                f"The processes were not ready within {READY_SECONDS:g} s. "
                f"Their logs are in {cluster.directory / 'logs'}."
            )
        cluster.wait(0.2)


def _workers(cluster: Cluster) -> int:
    try:
        with cluster.redis() as redis:
            return int(Worker.count(connection=redis))
    except RedisError:
        return 0
