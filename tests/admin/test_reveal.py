"""Student data is shown to who may see it, when asked for, and the journal says so."""

from __future__ import annotations

import pytest

from passport_events.models import OperatorAction, ProcessedMessage
from tests.admin.conftest import Login
from tests.admin.urls import page, reveal
from tests.operating.inbox import opportunity, organization

SECRET = "Lovelace-4711"
pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> ProcessedMessage:
    organization()
    return opportunity(fields={"LastName": SECRET, "Address": {"Street": SECRET, "City": SECRET}})


def test_a_page_hides_values_from_everybody_and_shows_names(login: Login, message: ProcessedMessage) -> None:
    for client in (login(), login("view_payload", name="bob")):
        for row in (message, message.delivery):
            answer = client.get(page(row)).content.decode()
            assert SECRET not in answer
            assert "••••••" in answer
        assert "LastName" in client.get(page(message)).content.decode()
    assert not OperatorAction.objects.exists()


def test_values_are_shown_by_post_and_the_look_is_written_down(
    login: Login, message: ProcessedMessage
) -> None:
    client = login("view_payload")
    for row in (message, message.delivery):
        assert reveal(row) in client.get(page(row)).content.decode()
        assert SECRET in client.post(reveal(row)).content.decode()
    of_delivery, of_message = OperatorAction.objects.order_by("-pk")
    assert (of_message.kind, of_message.actor_name, of_message.message) == ("look", "ann", message)
    assert (of_delivery.kind, of_delivery.reason) == ("look", f"delivery {message.delivery_id}")
    assert "Viewed payload" in client.get(page(message)).content.decode()


def test_without_the_permission_nothing_is_shown_and_nothing_is_offered(
    login: Login, message: ProcessedMessage
) -> None:
    client = login()
    assert client.post(reveal(message)).status_code == 403
    assert "Show values" not in client.get(page(message)).content.decode()
    blind = login("view_payload", name="eve", views=False)
    assert blind.post(reveal(message)).status_code == 403
    assert not OperatorAction.objects.exists()


def test_a_reload_leads_back_to_the_masked_page(login: Login, message: ProcessedMessage) -> None:
    assert login("view_payload").get(reveal(message))["Location"] == page(message)
    assert not OperatorAction.objects.exists()


def test_a_look_needs_a_csrf_token(login: Login, message: ProcessedMessage) -> None:
    client = login("view_payload")
    client.handler.enforce_csrf_checks = True
    assert client.post(reveal(message)).status_code == 403


def test_values_of_a_message_that_does_not_exist_are_not_found(login: Login) -> None:
    assert login("view_payload").post(reveal(ProcessedMessage(pk=404))).status_code == 404


def test_a_long_value_is_cut(login: Login) -> None:
    organization()
    message = opportunity(fields={"Description": "x" * 100_000})
    client = login("view_payload")
    answer = client.post(reveal(message)).content.decode()
    assert "more characters" in answer
    assert len(answer) < 60_000
    assert len(client.post(reveal(message.delivery)).content.decode()) < 60_000
