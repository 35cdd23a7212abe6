"""What would become of messages now."""

from __future__ import annotations

import pytest

from passport_events.event import Event
from passport_events.handling.registry import get_handlers, handles
from passport_events.models import Mode, SalesforceRecord, Status
from passport_events.operating.operations import REPLAY
from passport_events.operating.replay import predict
from passport_events.operating.selection import Selection
from passport_events.testing import organization_id
from tests.operating.inbox import dead, end, opportunity, organization, rows

pytestmark = pytest.mark.django_db
DEAD = Selection(statuses=(Status.DEAD,))


def test_it_says_who_would_be_called_and_who_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport_events.handling.registry._handlers", {})

    @handles("opportunity")
    def enrol(event: Event, record: SalesforceRecord) -> None:
        raise AssertionError("nothing runs")

    organization(1)
    organization(2, mode=Mode.SHADOW)
    dead(1), dead(2)
    dead(3, home=organization_id(2))
    rows(dead(4)).update(event_type="item")
    rows(dead(5)).update(event_type="gone")
    rows(dead(6)).update(content={"fields": {}})
    rows(dead(7)).update(content={})
    end(opportunity(8), Status.SUCCEEDED)

    found = predict(REPLAY, DEAD)

    assert found.read == 6
    assert found.would == {
        f"call {get_handlers()['opportunity'].name}": 2,
        "be merged only: shadow": 1,
        "be merged only, nothing handles it": 1,
        "no worker takes its type: it is not in EVENT_TYPES": 1,
        "cannot be read by this release": 1,
    }


def test_it_reads_the_newest_and_not_all() -> None:
    organization()
    first, second = dead(1), dead(2)
    rows(second).update(event_type="gone")
    assert first.pk < second.pk
    assert list(predict(REPLAY, DEAD, 1).would) == ["no worker takes its type: it is not in EVENT_TYPES"]
