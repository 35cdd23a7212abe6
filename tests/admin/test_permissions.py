"""Who may do what, however it is asked for."""

from __future__ import annotations

import pytest
from django.db.models import Model
from django.test import Client

from passport_events.models import (
    Delivery,
    Heartbeat,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from tests.admin.conftest import Login
from tests.admin.urls import action, listing, page
from tests.operating.inbox import dead, organization

MODELS = [Delivery, Heartbeat, OperatorAction, ProcessedMessage, SalesforceOrganization, SalesforceRecord]
OF_MESSAGES = [("retry", "retry_message"), ("discard", "discard_message"), ("restore", "discard_message")]
OF_ORGANIZATIONS = [
    ("pause", "pause_flow"),
    ("resume", "pause_flow"),
    ("reprocess", "reprocess_message"),
]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", MODELS)
def test_lists_need_the_permission_to_view(login: Login, model: type[Model]) -> None:
    assert login().get(listing(model)).status_code == 200
    assert login(name="eve", views=False).get(listing(model)).status_code == 403


def test_pages_need_the_permission_to_view(login: Login) -> None:
    organization()
    message = dead()
    client = login(name="eve", views=False)
    assert client.get(page(message)).status_code == 403
    assert client.get(page(message.delivery)).status_code == 403


def test_a_stranger_is_sent_to_the_login() -> None:
    response = Client().post(action("retry"), {"ids": "1"})
    assert (response.status_code, "login" in response["Location"]) == (302, True)


@pytest.mark.parametrize(("name", "codename"), OF_MESSAGES)
def test_an_action_on_messages_is_refused_without_its_own_permission(
    login: Login, name: str, codename: str
) -> None:
    organization()
    message = dead()
    every = {codename for _, codename in OF_MESSAGES + OF_ORGANIZATIONS}
    client = login(*(every - {codename}))
    chosen = {"action": name, "_selected_action": message.pk, "index": 0}

    assert client.post(listing(ProcessedMessage), chosen).status_code == 403
    confirmed = {"ids": message.pk, "confirmed": "yes", "reason": "x"}
    assert client.post(action(name), confirmed).status_code == 403

    message.refresh_from_db()
    assert message.status == Status.DEAD
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize(("name", "codename"), OF_ORGANIZATIONS)
def test_an_action_on_organizations_is_refused_without_its_own_permission(
    login: Login, name: str, codename: str
) -> None:
    home = organization()
    client = login()
    chosen = {"action": name, "_selected_action": home.pk, "index": 0}
    assert client.post(listing(SalesforceOrganization), chosen).status_code == 403
    confirmed = {"ids": home.pk, "confirmed": "yes", "reason": "x"}
    assert client.post(action(name, SalesforceOrganization), confirmed).status_code == 403
    allowed = login(codename, name="bob")
    assert allowed.post(action(name, SalesforceOrganization), confirmed).status_code == 302


def test_actions_happen_by_post_only(login: Login) -> None:
    assert login("retry_message").get(action("retry"), {"ids": 1}).status_code == 405


def test_actions_need_a_csrf_token(login: Login) -> None:
    client = login("retry_message")
    client.handler.enforce_csrf_checks = True
    assert client.post(action("retry"), {"ids": 1, "confirmed": "yes", "reason": "x"}).status_code == 403


def test_the_list_offers_only_what_the_user_may_do(login: Login) -> None:
    organization()
    dead()
    answer = login("retry_message").get(listing(ProcessedMessage)).content.decode()
    assert '<option value="retry">' in answer
    assert '<option value="discard">' not in answer


@pytest.mark.parametrize("model", MODELS)
def test_nobody_deletes_and_nobody_adds_but_organizations(admin_client: Client, model: type[Model]) -> None:
    added = admin_client.get(listing(model) + "add/").status_code
    assert added == (200 if model is SalesforceOrganization else 403)
    chosen = {"action": "delete_selected", "_selected_action": 1, "index": 0}
    assert "delete_selected" not in admin_client.get(listing(model)).content.decode()
    admin_client.post(listing(model), chosen)
    assert not OperatorAction.objects.exists()


def test_rows_are_not_edited_by_a_post_to_their_page(admin_client: Client) -> None:
    organization()
    message = dead()
    assert admin_client.post(page(message), {"status": "waiting"}).status_code == 403
    assert admin_client.post(page(message.delivery), {"body": ""}).status_code == 403
    assert admin_client.post(page(message) + "../delete/", {"post": "yes"}).status_code == 403
