"""Links that lead to the page that mends, filled in."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from passport_events.models import OperatorAction, ProcessedMessage, SalesforceOrganization, Status
from passport_events.testing import organization_id
from tests.admin.conftest import Login
from tests.admin.urls import action, group, listing, page
from tests.operating.inbox import end, opportunity, organization, rows

LAKESIDE = organization_id(7)
ADD = listing(SalesforceOrganization) + "add/"
pytestmark = pytest.mark.django_db


def links(answer: Any, text: str) -> list[str]:
    """Where links whose text has this lead."""
    found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', answer.content.decode())
    return [html.unescape(url) for url, said in found if text in said]


def of_a_stranger(number: int = 7) -> ProcessedMessage:
    message = opportunity(number, home=organization_id(number))
    assert message.status == Status.QUARANTINED
    return message


def add(client: Client, mode: str = "live") -> Any:
    return client.post(ADD, {"salesforce_id": LAKESIDE, "name": "Lake<b>side", "mode": mode}, follow=True)


def test_a_group_of_an_unknown_organization_leads_to_adding_it(admin_client: Client) -> None:
    message = of_a_stranger()
    of_a_stranger(8)
    found = links(admin_client.get(group(message.fingerprint)), "Add 00D")
    assert sorted(found) == sorted(f"{ADD}?salesforce_id={organization_id(number)}" for number in (7, 8))
    assert f'value="{LAKESIDE}"' in admin_client.get(f"{ADD}?salesforce_id={LAKESIDE}").content.decode()
    add(admin_client)
    assert links(admin_client.get(group(message.fingerprint)), "Add 00D") == [
        f"{ADD}?salesforce_id={organization_id(8)}"
    ]


def test_who_may_not_add_is_not_led_there(login: Login) -> None:
    message = of_a_stranger()
    for codenames, number in (((), 0), (("add_salesforceorganization",), 1)):
        client = login(*codenames, name=f"ann{number}")
        assert len(links(client.get(group(message.fingerprint)), "Add 00D")) == number


def test_who_adds_an_organization_is_led_to_what_waited_for_it(admin_client: Client) -> None:
    of_a_stranger(), of_a_stranger(8)
    [url] = links(add(admin_client), "reprocess them")
    answer = admin_client.get(url).content.decode()
    assert f"<strong>1 messages:</strong> quarantined or ignored, organization {LAKESIDE}." in answer
    assert 'value="reprocess"' in answer


def test_the_name_of_an_organization_is_text_in_what_is_said(admin_client: Client) -> None:
    of_a_stranger()
    assert "held for Lake&lt;b&gt;side: <a href=" in add(admin_client).content.decode()


def test_who_may_not_reprocess_is_only_told(login: Login) -> None:
    of_a_stranger()
    answer = add(login("add_salesforceorganization"))
    assert links(answer, "reprocess them") == []
    assert "choose “Reprocess messages” in the list" in answer.content.decode()


def test_a_message_leads_to_all_that_its_release_ended_like_it(login: Login) -> None:
    organization()
    ours = [end(opportunity(number), Status.SUCCEEDED) for number in range(2)]
    rows(*ours).update(release="41")
    rows(end(opportunity(3), Status.SUCCEEDED)).update(release="42")
    rows(end(opportunity(4), Status.DEAD)).update(release="41")
    client = login("replay_message")

    [url] = links(client.get(page(ours[0])), "All succeeded opportunity messages of release 41")

    assert "<strong>2 messages:</strong> succeeded, event type opportunity, release 41." in (
        client.get(url).content.decode()
    )
    assert url.startswith(action("act", OperatorAction))
    assert links(login("retry_message", name="eve").get(page(ours[0])), "All succeeded opportunity") == []


@pytest.mark.parametrize("columns", [{"release": ""}, {"status": "discarded", "release": "41"}])
def test_what_no_release_ended_leads_nowhere(admin_client: Client, columns: dict[str, str]) -> None:
    organization()
    message = end(opportunity(), Status.SUCCEEDED)
    rows(message).update(**columns)
    assert links(admin_client.get(page(message)), "All ") == []
