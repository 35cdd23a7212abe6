"""Why a record says what it says."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from passport_events.operating.blame import explain_record
from passport_events.testing.factories import COMMITTED_MS
from project.embedded import ValkeyServer
from tests.operating.inbox import opportunity, organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _workers_can_work(redis_server: ValkeyServer) -> None:
    organization()


def put(**about: Any) -> int:
    message = opportunity(**about)
    work("passport-opportunities")
    return message.pk


def test_each_field_names_the_message_that_wrote_it() -> None:
    created = put(fields={"Name": "Ada", "StageName": "Applied"})
    updated = put(change="UPDATE", fields={"StageName": "Admitted"}, at_ms=COMMITTED_MS + 1_000)

    found = explain_record(SalesforceRecord.objects.get())

    wrote = {field.name: (field.value, field.origin.message) for field in found.fields}
    assert wrote == {"Name": ("Ada", created), "StageName": ("Admitted", updated)}
    assert found.floor
    assert (found.floor.message, found.floor_change, found.refetch_reasons, found.late) == (
        created,
        "created",
        (),
        (),
    )


def test_a_late_message_is_listed_with_what_it_lost() -> None:
    put(fields={"Name": "Ada", "StageName": "Applied"})
    put(change="UPDATE", fields={"StageName": "Enrolled"}, at_ms=COMMITTED_MS + 2_000)
    late = put(change="UPDATE", fields={"StageName": "Admitted", "Name": "Eve"}, at_ms=COMMITTED_MS + 1_000)

    (found,) = explain_record(SalesforceRecord.objects.get()).late

    assert (found.message, found.change, found.lost) == (late, "updated", ("StageName",))
    assert found.time.timestamp() * 1_000 == COMMITTED_MS + 1_000


def test_a_value_that_no_event_carried_is_unknown_and_a_reason_to_ask() -> None:
    put(fields={"Name": "Ada"})
    put(change="UPDATE", fields={}, changed_fields=["Name"], at_ms=COMMITTED_MS + 1_000)

    found = explain_record(SalesforceRecord.objects.get())

    assert [(field.name, field.is_unknown) for field in found.fields] == [("Name", True)]
    assert found.refetch_reasons == ("Changed to a value that no event carried: Name.",)


def test_a_tie_is_contested_and_a_reason_to_ask() -> None:
    put(fields={"Name": "Ada"})
    for name in ("Eve", "Bob"):
        put(change="UPDATE", fields={"Name": name}, at_ms=COMMITTED_MS + 1_000, transaction=name)

    found = explain_record(SalesforceRecord.objects.get())

    assert found.fields[0].is_contested
    assert found.refetch_reasons == ("Events of one version gave different values: Name.",)


def test_a_record_that_was_never_seen_whole_says_so() -> None:
    put(change="UPDATE", fields={"Name": "Ada"})
    (reason,) = explain_record(SalesforceRecord.objects.get()).refetch_reasons
    assert "never seen whole" in reason
