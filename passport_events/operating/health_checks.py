"""Checks for django-health-check 4, the extra `health`.

HealthCheckView.as_view(checks=["passport_events.operating.health_checks.PollerAlive", ...])
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from django.db import Error, close_old_connections
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable

from passport_events.operating.finding import Finding
from passport_events.operating.health import check_backlog, check_organizations, check_poller
from passport_events.operating.health_findings import check_dead_letter_queues, check_failed_messages


@dataclasses.dataclass
class PollerAlive(HealthCheck):  # type: ignore[misc]  # the extra is not annotated
    """A poller writes to the database and receives from SQS."""

    def run(self) -> None:
        """Raise ServiceUnavailable with the findings."""
        _raise_for(lambda: [check_poller()])


@dataclasses.dataclass
class RowsClaimed(HealthCheck):  # type: ignore[misc]  # the extra is not annotated
    """Workers listen and claim due messages."""

    def run(self) -> None:
        """Raise ServiceUnavailable with the findings."""
        _raise_for(check_backlog)


@dataclasses.dataclass
class OrganizationsHeard(HealthCheck):  # type: ignore[misc]  # the extra is not annotated
    """No organization that used to send heartbeats has fallen silent."""

    def run(self) -> None:
        """Raise ServiceUnavailable with the silent organizations."""
        _raise_for(check_organizations)


@dataclasses.dataclass
class NothingFailed(HealthCheck):  # type: ignore[misc]  # the extra is not annotated
    """No message is dead or quarantined."""

    def run(self) -> None:
        """Raise ServiceUnavailable with the findings."""
        _raise_for(check_failed_messages)


@dataclasses.dataclass
class DeadLetterQueuesEmpty(HealthCheck):  # type: ignore[misc]  # the extra is not annotated
    """The queues of DEAD_LETTER_QUEUE_URLS are empty. Asks SQS, else the samples of monitoring."""

    def run(self) -> None:
        """Raise ServiceUnavailable with the findings."""
        _raise_for(check_dead_letter_queues)


def _raise_for(assess: Callable[[], Iterable[Finding]]) -> None:
    try:
        findings = list(assess())
    except Error as error:
        raise ServiceUnavailable(f"The database cannot be asked ({type(error).__name__}).") from error
    finally:
        # Checks run in a thread of their own, whose connection must be closed here.
        close_old_connections()
    wrong = [f"{finding.name}: {finding.text} {finding.hint}" for finding in findings if not finding.ok]
    if wrong:
        raise ServiceUnavailable(" ".join(wrong))
