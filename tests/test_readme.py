"""Case D2. The handler of README works on what README's own command sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from passport_events import conf
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, SalesforceRecord, Status
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, generated_messages, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
(ORGANIZATION,) = re.findall(r"--generate \d+ --organization (\w+)", README)
HANDLERS = (REPOSITORY / "docs" / "handlers.md").read_text()


class Enrolment:
    """The reader's own model, as far as README uses it."""

    rows: dict[str, dict[str, Any]]
    found: str

    def __init__(self) -> None:
        self.objects, self.rows = self, {}

    def update_or_create(self, *, salesforce_id: str, defaults: dict[str, Any]) -> None:
        """As a manager does it."""
        self.rows[salesforce_id] = defaults

    def filter(self, *, salesforce_id: str) -> Enrolment:
        """As a manager does it, for one row."""
        self.found = salesforce_id
        return self

    def delete(self) -> None:
        """As a queryset does it."""
        self.rows.pop(self.found, None)


def first_handler(page: str) -> str:
    """The module with the first handler of a page."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    block = next(code for code in blocks if "\n@handles(" in code)
    return block[block.index("from passport_events import") :]


def load(page: str) -> Enrolment:
    """Register the first handler of a page, for an organization that is live."""
    SalesforceOrganization.objects.create(salesforce_id=ORGANIZATION, name="Program", mode=Mode.LIVE)
    enrolments = Enrolment()
    exec(compile(first_handler(page), "event_handlers.py", "exec"), {"Enrolment": enrolments})  # noqa: S102  ours
    return enrolments


def receive(messages: Iterable[dict[str, Any]]) -> None:
    """From the queue to the handler."""
    queue = FakeQueue()
    for message in messages:
        queue.send(message)
    while queue.bodies:
        poll_once(queue, wait_seconds=0)
    work(conf.get_settings().event_types["opportunity"].queue)


def change(record: str, kind: str, fields: dict[str, Any], *, at: int) -> dict[str, Any]:
    """One change event, `at` milliseconds after a fixed time."""
    return relay_message(
        "Opportunity", record, kind, fields, organization=ORGANIZATION, at_ms=COMMITTED_MS + at
    )


@pytest.fixture
def _no_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_handlers", {})
    yield
    monkeypatch.undo()


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_handlers", "redis_server")
@pytest.mark.parametrize("page", [README, HANDLERS], ids=["README", "docs/handlers.md"])
def test_its_first_handler_succeeds_on_generated_messages(page: str) -> None:
    enrolments = load(page)
    opportunity = conf.get_settings().event_types["opportunity"]

    receive(generated_messages(opportunity, 20, organization=ORGANIZATION, seed=1))

    assert set(ProcessedMessage.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
    stages = {record.record_id: record["StageName"] for record in SalesforceRecord.objects.all()}
    assert {key: row["stage"] for key, row in enrolments.rows.items()} == stages
    assert len(stages) == 20


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_handlers", "redis_server")
@pytest.mark.parametrize("page", [README, HANDLERS], ids=["README", "docs/handlers.md"])
def test_its_first_handler_succeeds_on_deletes_and_without_the_stage(page: str) -> None:
    enrolments = load(page)
    deleted, bare, partly_known, emptied = (record_id("Opportunity", number) for number in range(4))

    receive([change(deleted, "CREATE", {"StageName": "Submitted"}, at=1)])
    assert set(enrolments.rows) == {deleted}
    receive(
        [
            change(deleted, "DELETE", {}, at=2),
            change(bare, "CREATE", {"Name": "No stage"}, at=1),
            change(partly_known, "UPDATE", {"Amount": 1}, at=1),
            change(emptied, "UPDATE", {"StageName": None}, at=1),
        ]
    )

    assert set(ProcessedMessage.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
    assert ProcessedMessage.objects.count() == 5
    assert enrolments.rows == {}
