"""Organizations: the only thing that is edited by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format
from django.utils.timezone import localtime

from passport_events.clock import ClockTimestamp
from passport_events.dispatching.flow_control import FlowControls
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, Status
from tests.admin.urls import action, listing, page
from tests.operating.inbox import HOME, dead, opportunity, organization

pytestmark = pytest.mark.django_db
ADD = "add/"


def act(client: Client, name: str, *organizations: SalesforceOrganization, reason: str = "") -> str:
    ids = "-".join(str(organization.pk) for organization in organizations)
    posted = {"ids": ids, "confirmed": "yes", "reason": reason}
    return client.post(action(name, SalesforceOrganization), posted, follow=True).content.decode()


def test_the_list_says_how_each_stands(admin_client: Client) -> None:
    home, other = organization(1), organization(2)
    opportunity(1), opportunity(2), dead(3)
    act(admin_client, "pause", home, reason="S3 is down")

    shown = {
        row.pk: row.standing
        for row in admin_client.get(listing(SalesforceOrganization)).context["cl"].result_list
    }

    assert (shown[home.pk].waiting, shown[home.pk].dead, shown[home.pk].paused) == (2, 1, ("",))
    assert (shown[other.pk].waiting, shown[other.pk].dead, shown[other.pk].paused) == (0, 0, ())


def test_an_id_is_brought_to_18_characters(admin_client: Client) -> None:
    posted = {"salesforce_id": HOME[:15], "name": "Northfield", "mode": "live"}
    admin_client.post(listing(SalesforceOrganization) + ADD, posted)
    assert SalesforceOrganization.objects.get().salesforce_id == HOME


def test_a_new_one_begins_in_shadow(admin_client: Client) -> None:
    """Case D6. As the install page says: no handler runs before somebody has looked at the mirror."""
    form = admin_client.get(listing(SalesforceOrganization) + ADD).context["adminform"].form
    assert form.get_initial_for_field(form.fields["mode"], "mode") == Mode.SHADOW
    assert SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home").mode == Mode.SHADOW


@pytest.mark.parametrize("wrong", ["00D", "006000000000001", HOME[:17] + "Z"])
def test_an_id_that_is_none_is_refused(admin_client: Client, wrong: str) -> None:
    posted = {"salesforce_id": wrong, "name": "Northfield", "mode": "live"}
    answer = admin_client.post(listing(SalesforceOrganization) + ADD, posted)
    assert answer.context["adminform"].form.errors["salesforce_id"]


def test_the_id_stays_when_name_and_mode_change(admin_client: Client) -> None:
    home = organization()
    admin_client.post(page(home), {"salesforce_id": "00D000000000009", "name": "New", "mode": "shadow"})
    home.refresh_from_db()
    assert (home.salesforce_id, home.name, home.mode) == (HOME, "New", Mode.SHADOW)


def test_adding_one_says_that_messages_wait_and_they_are_released(admin_client: Client) -> None:
    opportunity()
    posted = {"salesforce_id": HOME, "name": "Northfield", "mode": "live"}
    answer = admin_client.post(listing(SalesforceOrganization) + ADD, posted, follow=True).content.decode()
    assert "Messages are held for Northfield" in answer

    assert "1 messages reprocessed." in act(admin_client, "reprocess", SalesforceOrganization.objects.get())

    assert ProcessedMessage.objects.get().status == Status.WAITING


def test_the_desk_shows_when_each_was_last_heard(admin_client: Client) -> None:
    home = organization(1)
    organization(2)
    time = ClockTimestamp() - timedelta(minutes=20)
    SalesforceOrganization.objects.filter(pk=home.pk).update(
        heartbeat_sent_at=time - timedelta(hours=1), heartbeat_received_at=time
    )

    shown = admin_client.get(listing(SalesforceOrganization)).content.decode()
    assert [text in shown for text in ("20 min ago", "never")] == [True, True]

    shown = admin_client.get(page(home)).content.decode()
    home.refresh_from_db()
    assert home.heartbeat_sent_at is not None
    assert home.heartbeat_received_at is not None
    for time_shown in (home.heartbeat_sent_at, home.heartbeat_received_at):
        assert date_format(localtime(time_shown), "DATETIME_FORMAT") in shown
    assert "20 min ago" in shown
    assert "heartbeat_sent_at" not in admin_client.get(listing(SalesforceOrganization) + ADD).content.decode()


def test_who_edits_an_organization_does_not_set_its_heartbeats_back(admin_client: Client) -> None:
    """They may have moved on since the row was read for this request, so they are not written at all."""
    home = organization()
    posted = {"name": "New", "mode": "shadow", "heartbeat_sent_at": "2020-01-01 00:00:00"}
    with CaptureQueriesContext(connection) as captured:
        admin_client.post(page(home), posted)
    (update,) = [q["sql"] for q in captured if q["sql"].startswith('UPDATE "passport_events_salesforceorg')]
    assert '"name" = ' in update
    assert "heartbeat" not in update


def test_an_organization_that_is_off_is_not_released(admin_client: Client) -> None:
    answer = act(admin_client, "reprocess", organization(mode=Mode.OFF))
    assert "is off. Set its mode" in answer


def test_flow_is_paused_with_a_reason_and_resumed(admin_client: Client) -> None:
    home = organization()
    assert "This field is required" in act(admin_client, "pause", home)
    assert "1 paused." in act(admin_client, "pause", home, reason="S3 is down")
    assert FlowControls.read().is_paused("item", home.pk)
    assert "1 resumed." in act(admin_client, "resume", home)
    assert not FlowControls.read().pauses
