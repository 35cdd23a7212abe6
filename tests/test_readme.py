"""Case D2. The handler of README works on what README's own command sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passport_events import conf
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, SalesforceRecord, Status
from passport_events.receiving.poller import poll
from passport_events.testing import FakeQueue, generated_messages
from project.embedded import ValkeyServer

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
HANDLERS = (REPOSITORY / "docs" / "handlers.md").read_text()


class Enrolment:
    """The reader's own model, as far as README uses it."""

    rows: dict[str, dict[str, Any]]

    def __init__(self) -> None:
        self.objects, self.rows = self, {}

    def update_or_create(self, *, salesforce_id: str, defaults: dict[str, Any]) -> None:
        """As a manager does it."""
        self.rows[salesforce_id] = defaults


def first_handler(page: str) -> str:
    """The module with the first handler of a page."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    block = next(code for code in blocks if "\n@handles(" in code)
    return block[block.index("from passport_events import") :]


@pytest.fixture
def _no_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_handlers", {})
    yield
    monkeypatch.undo()


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_handlers")
@pytest.mark.parametrize("page", [README, HANDLERS], ids=["README", "docs/handlers.md"])
def test_its_first_handler_succeeds_on_generated_messages(redis_server: ValkeyServer, page: str) -> None:
    (organization,) = re.findall(r"--generate \d+ --organization (\w+)", README)
    SalesforceOrganization.objects.create(salesforce_id=organization, name="Program", mode=Mode.LIVE)
    enrolments = Enrolment()
    exec(compile(first_handler(page), "event_handlers.py", "exec"), {"Enrolment": enrolments})  # noqa: S102  ours
    queue = FakeQueue()
    opportunity = conf.current().event_types["opportunity"]
    for message in generated_messages(opportunity, 20, organization=organization, seed=1):
        queue.send(message)

    while queue.bodies:
        poll(queue, wait_seconds=0)
    work(opportunity.queue)

    assert set(ProcessedMessage.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
    stages = {record.record_id: record["StageName"] for record in SalesforceRecord.objects.all()}
    assert {key: row["stage"] for key, row in enrolments.rows.items()} == stages
    assert len(stages) == 20
