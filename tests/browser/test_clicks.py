"""From an alert to what mends it: how many clicks. The numbers stand in docs/failed-messages.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from passport_events.models import ProcessedMessage, SalesforceRecord, Status
from passport_events.testing import organization_id
from tests.admin.urls import group, page
from tests.browser.conftest import Visit
from tests.browser.hand import Hand
from tests.browser.school import School, receive
from tests.operating.inbox import organization

Running = Callable[[], Any]
DOCUMENT = Path(__file__).parents[2] / "docs" / "failed-messages.md"
A_BUG, A_STRANGER, A_REPLAY = 3, 6, 5
"""Clicks that each incident takes; nobody makes it more without noticing."""
pytestmark = pytest.mark.postgresql


def see_it_done(here: Page, task: str, count: int) -> None:
    """The page of the action looks by itself, until the last message is done."""
    progress = here.locator("#passport-progress")
    expect(progress.get_by_role("heading")).to_have_text(f"{task}: done")
    expect(progress).to_contain_text(f"Results: {count} finished.")


def test_a_bug_that_a_release_fixed(visit: Visit, school: School, running: Running) -> None:
    organization(name="Northfield")
    failed = receive(5)
    school.is_mended = True  # the release that fixes it
    here, hand = visit(), Hand()

    here.goto(group(ProcessedMessage.objects.get(pk=failed[0]).fingerprint))  # where the alert leads
    hand.click(here.get_by_role("button", name="Retry…", exact=True))
    hand.write(here.get_by_label("Reason"), "fixed in 42")
    hand.click(here.get_by_role("button", name="Retry", exact=True))
    with running():
        see_it_done(here, "Retry", 5)

    assert ProcessedMessage.objects.filter(status=Status.SUCCEEDED).count() == 5
    assert hand.clicks <= A_BUG


def test_an_organization_that_nobody_has_added(visit: Visit, school: School, running: Running) -> None:
    school.is_mended = True
    stranded = receive(3, home=organization_id(7))
    here, hand = visit(), Hand()

    here.goto(group(ProcessedMessage.objects.get(pk=stranded[0]).fingerprint))
    hand.click(here.get_by_role("link", name=f"Add {organization_id(7)}"))
    hand.write(here.get_by_label("Name"), "Lakeside")
    hand.click(here.get_by_role("button", name="Save", exact=True))
    hand.click(here.get_by_role("link", name="reprocess them"))
    hand.click(here.get_by_role("button", name="Reprocess…", exact=True))
    hand.click(here.get_by_role("button", name="Reprocess", exact=True))
    with running():
        see_it_done(here, "Reprocess", 3)

    assert ProcessedMessage.objects.filter(status=Status.SUCCEEDED).count() == 3
    assert hand.clicks <= A_STRANGER


def test_a_handler_that_wrongly_succeeded(
    visit: Visit, school: School, running: Running, settings: Settings
) -> None:
    organization()
    school.is_mended = True
    wrong = receive(4)
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RELEASE": "42"}
    receive(2, first=10)
    Group.objects.all().delete()  # what 41 wrote was wrong
    here, hand = visit(), Hand()

    record_id = ProcessedMessage.objects.get(pk=wrong[0]).record_id
    here.goto(page(SalesforceRecord.objects.get(record_id=record_id)))  # of which somebody complains
    hand.click(here.get_by_role("link", name=str(wrong[0])).first)
    hand.click(here.get_by_role("link", name="All succeeded opportunity messages of release 41"))
    hand.click(here.get_by_role("button", name="Replay…", exact=True))
    expect(here.locator("#content-main")).to_contain_text("Replay: 4 messages.")
    hand.write(here.get_by_label("Reason"), "41 forgot the fee")
    hand.click(here.get_by_role("button", name="Replay", exact=True))
    with running():
        see_it_done(here, "Replay", 4)

    assert Group.objects.count() == 4
    assert ProcessedMessage.objects.filter(generation=1, release="42").count() == 4
    assert hand.clicks <= A_REPLAY


def test_the_document_says_these_numbers() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    for incident, clicks in (
        ("a bug", A_BUG),
        ("an organization", A_STRANGER),
        ("a handler that wrongly", A_REPLAY),
    ):
        [row] = [row for row in rows if row.startswith(f"| {incident}")]
        assert row.endswith(f"| {clicks} |")
