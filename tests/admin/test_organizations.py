"""Organizations: the only thing that is edited by hand."""

from __future__ import annotations

import pytest
from django.test import Client

from passport_events.handling.flow import FlowControls
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, Status
from tests.admin.urls import action, listing, page
from tests.operating.inbox import HOME, dead, opportunity, organization

pytestmark = pytest.mark.django_db
ADD = "add/"


def act(client: Client, name: str, *organizations: SalesforceOrganization, reason: str = "") -> str:
    ids = ",".join(str(organization.pk) for organization in organizations)
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
    assert "Messages have waited for Northfield" in answer

    assert "1 messages released." in act(admin_client, "release", SalesforceOrganization.objects.get())

    assert ProcessedMessage.objects.get().status == Status.WAITING


def test_an_organization_that_is_off_is_not_released(admin_client: Client) -> None:
    answer = act(admin_client, "release", organization(mode=Mode.OFF))
    assert "is off. Set its mode" in answer


def test_flow_is_paused_with_a_reason_and_resumed(admin_client: Client) -> None:
    home = organization()
    assert "This field is required" in act(admin_client, "pause", home)
    assert "1 paused." in act(admin_client, "pause", home, reason="S3 is down")
    assert FlowControls.in_force().is_paused("item", home.pk)
    assert "1 resumed." in act(admin_client, "resume", home)
    assert not FlowControls.in_force().pauses
