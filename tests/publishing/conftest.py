"""The verb with a topic of its own. What needs models is imported where it is used."""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path

import pytest

from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.publishing.running import HOME, Publishing


@pytest.fixture
def publish(sqs: Sqs, tmp_path: Path) -> Publishing:
    """Publishes to a topic whose queue is the one in the settings."""
    return Publishing(sqs, tmp_path)


@pytest.fixture
def home(redis_server: ValkeyServer, db: None) -> None:
    """The organization that these messages belong to, and nothing remembered of another test's."""
    from passport_events.models import SalesforceOrganization
    from passport_events.receiving import organization_cache

    organization_cache.clear()
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
