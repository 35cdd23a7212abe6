"""The page of flow controls."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.dispatching.flow_control import FlowControls
from passport_events.models import OperatorAction, SalesforceOrganization
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.testing import organization_id
from tests.admin.conftest import Login
from tests.admin.test_query_counts import queries
from tests.admin.urls import action, desk, listing, page
from tests.operating.inbox import opportunity, organization

DASHBOARD = reverse("admin:passport_monitoring_figures_changelist")
pytestmark = pytest.mark.django_db


def flow() -> str:
    return action("flow", OperatorAction)


def end(row: OperatorAction) -> str:
    return reverse("admin:passport_events_operatoraction_flow_end", args=(row.pk,))


def begin(client: Client, kind: str, home: SalesforceOrganization | None = None, **said: Any) -> Any:
    said = {"kind": kind, "confirmed": "yes", "reason": "S3 is down", "event_type": "item", **said}
    return client.post(flow(), {**said, "organization": home.pk if home else ""}, follow=True)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_it_says_what_is_in_force_who_since_when_and_why(admin_client: Client) -> None:
    home = organization(name="Northfield")
    flow_operations.pause(None, home, Actor("ann"), "they move house")
    flow_operations.limit_rate("item", None, Actor("bob"), "their API is slow", 60)
    flow_operations.pause("attachment", None, Actor("eve"), "over")
    flow_operations.resume("attachment", None, Actor("eve"))
    answer = text(admin_client.get(flow()))
    for said in ("every event type of Northfield", "ann", "they move house", "item of every organization"):
        assert said in answer
    assert "Throttle: 60 messages/min" in answer
    since = timezone.localtime(OperatorAction.objects.earliest("pk").created_at)
    assert f"{since:%Y-%m-%d %H:%M}</time>" in answer
    assert "attachment of" not in answer


def test_nothing_in_force_is_said_too(admin_client: Client) -> None:
    assert "No pauses or rate limits are active." in text(admin_client.get(flow()))


@pytest.mark.parametrize("event_type", ["", "item"])
@pytest.mark.parametrize("covered", ["one organization", "all"])
def test_a_pause_is_asked_for_and_then_begins(login: Login, event_type: str, covered: str) -> None:
    home = organization() if covered == "one organization" else None
    client, chosen = login("pause_flow"), {"kind": "pause", "event_type": event_type}

    asked = text(client.post(flow(), {**chosen, "organization": home.pk if home else ""}))
    assert "Pause: " in asked
    assert "lose no attempts" in asked
    assert not OperatorAction.objects.exists()

    assert "Pause is active" in text(begin(client, "pause", home, event_type=event_type))
    row = OperatorAction.objects.get()
    assert (row.event_type, row.organization) == (event_type, home)
    ann = User.objects.get(username="ann")
    assert (row.kind, row.actor_name, row.actor, row.reason) == ("pause", "ann", ann, "S3 is down")
    assert "was active already" in text(begin(client, "pause", home, event_type=event_type))
    assert OperatorAction.objects.count() == 1


def test_the_page_that_asks_says_how_many_it_holds_back(admin_client: Client) -> None:
    home, _ = organization(1), organization(2)
    opportunity(1), opportunity(2), opportunity(3, home=organization_id(2))
    for said, number in (
        ({}, 3),
        ({"organization": home.pk}, 2),
        ({"event_type": "opportunity", "organization": home.pk}, 2),
        ({"event_type": "item"}, 0),
    ):
        asked = text(admin_client.post(flow(), {"kind": "pause", **said}))
        assert f"Pause: {number} messages waiting or processing." in asked


def test_a_throttle_begins_with_a_rate_and_another_takes_its_place(admin_client: Client) -> None:
    begin(admin_client, "throttle", per_minute="60")
    begin(admin_client, "throttle", per_minute="90")
    assert [each.per_minute for each in FlowControls.read().rate_limits] == [90]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("throttle", {}), ("throttle", {"per_minute": "0"}), ("pause", {"reason": " "})],
)
def test_what_is_missing_is_asked_for_again(admin_client: Client, kind: str, wrong: dict[str, Any]) -> None:
    answer = begin(admin_client, kind, **wrong)
    assert "errorlist" in text(answer)
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize("wrong", [{"kind": "retry"}, {"event_type": "items"}, {"organization": "99"}])
def test_what_cannot_be_meant_is_refused(admin_client: Client, wrong: dict[str, str]) -> None:
    said = {"kind": "pause", "confirmed": "yes", "reason": "x", **wrong}
    assert admin_client.post(flow(), said).status_code == 400
    assert not OperatorAction.objects.exists()


def test_each_is_ended_by_its_button(login: Login) -> None:
    client = login("pause_flow")
    flow_operations.pause("item", None, Actor("bob"), "")
    flow_operations.limit_rate("item", None, Actor("bob"), "", 60)
    for row in OperatorAction.objects.order_by("pk"):
        assert f'action="{end(row)}"' in text(client.get(flow()))
        assert "Removed: " in text(client.post(end(row), follow=True))
        row.refresh_from_db()
        assert row.ended_by == "ann"
        assert "by another operator" in text(client.post(end(row), follow=True))
    assert FlowControls.read() == FlowControls()


def test_what_holds_a_type_that_the_settings_no_longer_name_can_be_ended(
    admin_client: Client, settings: Settings
) -> None:
    flow_operations.pause("item", None, Actor("bob"), "")
    types = {"item": None}
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "EVENT_TYPES": types}
    admin_client.post(end(OperatorAction.objects.get()))
    assert not OperatorAction.objects.in_force().exists()


def test_ending_one_leaves_another_that_began_since(admin_client: Client) -> None:
    flow_operations.pause("item", None, Actor("bob"), "")
    seen = OperatorAction.objects.get()
    flow_operations.resume("item", None, Actor("bob"))
    flow_operations.pause("item", None, Actor("bob"), "again")
    admin_client.post(end(seen))
    assert OperatorAction.objects.in_force().get().reason == "again"


def test_who_may_look_sees_and_is_refused_the_rest(login: Login) -> None:
    flow_operations.pause("item", None, Actor("bob"), "")
    row = OperatorAction.objects.get()
    client = login("retry_message")
    assert "<button" not in text(client.get(flow())).split('id="content-main"')[1]
    assert begin(client, "pause").status_code == client.post(end(row)).status_code == 403
    blind = login("pause_flow", name="eve", views=False)
    assert blind.get(flow()).status_code == blind.post(end(row)).status_code == 403
    assert OperatorAction.objects.in_force().count() == 1


def test_it_changes_something_by_post_with_a_token_only(login: Login) -> None:
    flow_operations.pause("item", None, Actor("bob"), "")
    row = OperatorAction.objects.get()
    client = login("pause_flow")
    assert client.get(end(row)).status_code == client.put(flow()).status_code == 405
    client.handler.enforce_csrf_checks = True
    assert begin(client, "pause").status_code == client.post(end(row)).status_code == 403


def test_nothing_else_in_the_journal_is_ended_here(admin_client: Client) -> None:
    note = OperatorAction.objects.create(kind="note", actor_name="ann")
    assert admin_client.post(end(note)).status_code == 404


def test_desk_dashboard_and_journal_lead_here_those_who_may(admin_client: Client, login: Login) -> None:
    for url in (desk(), DASHBOARD, listing(OperatorAction)):
        assert f'href="{flow()}"' in text(admin_client.get(url))
    eve = login("view_processedmessage", name="eve", views=False)
    assert flow() not in text(eve.get(desk()))


def test_every_field_and_button_has_a_name(admin_client: Client) -> None:
    flow_operations.pause("item", None, Actor("bob"), "")
    answer = text(admin_client.get(flow()))
    for label in ('<label for="id_event_type">', '<label for="id_organization">', "Pause, item of every"):
        assert label in answer
    asked = text(admin_client.post(flow(), {"kind": "throttle"}))
    for label in ('<label for="id_per_minute">', '<label for="id_reason">'):
        assert label in asked


def test_any_number_of_controls_and_organizations_costs_five_queries(admin_client: Client) -> None:
    for number in range(1, 4):
        flow_operations.pause("item", organization(number), Actor("ann"), "")
        # Session, user, what is in force, how many organizations, organizations.
        assert len(queries(admin_client, flow())) == 5


def test_a_control_has_a_page_in_the_journal(admin_client: Client) -> None:
    begin(admin_client, "throttle", per_minute="60")
    assert "60 messages/min" in text(admin_client.get(page(OperatorAction.objects.get())))
