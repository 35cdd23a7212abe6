"""What else an operator does by clicking."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from passport_events.models import OperatorAction, ProcessedMessage, SalesforceOrganization, Status
from passport_events.testing import organization_id
from tests.admin.urls import action, desk, group, listing, page
from tests.browser.conftest import Visit
from tests.browser.school import School, receive
from tests.browser.watching import until
from tests.operating.inbox import organization

Running = Callable[[], Any]
pytestmark = pytest.mark.postgresql


def count(*statuses: Status) -> int:
    """Messages that stand there."""
    return ProcessedMessage.objects.filter(status__in=statuses).count()


def choose(here: Page, task: str) -> None:
    """Press a button that leads to the page that asks."""
    here.get_by_role("button", name=f"{task}…", exact=True).click()


def confirm(here: Page, task: str, why: str = "") -> None:
    """Say why, and do it."""
    if why:
        here.get_by_label("Reason").fill(why)
    here.get_by_role("button", name=task, exact=True).click()


def see_it_end(here: Page, task: str, running: Running) -> None:
    """Watch the progress, which looks by itself."""
    with running():
        expect(here.locator("#passport-progress").get_by_role("heading")).to_have_text(f"{task}: done")


def a_dead_group(here: Page, size: int = 3) -> None:
    """Open the page of a group that fails."""
    receive(size)
    here.goto(desk())
    here.get_by_role("link", name="NoProgram").click()


def test_what_one_release_wrongly_did_is_rehearsed_and_replayed(
    visit: Visit, school: School, running: Running, settings: Settings
) -> None:
    organization()
    school.is_mended = True
    receive(4)
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RELEASE": "42"}
    receive(2, first=10)
    Group.objects.all().delete()  # what 41 wrote was wrong
    here = visit()
    here.goto(listing(ProcessedMessage))
    here.get_by_role("link", name="Bulk actions with these filters").click()
    here.get_by_label("succeeded").check()
    here.get_by_label("Release", exact=True).fill("41")
    here.get_by_role("button", name="Preview").click()
    expect(here.locator("#content-main")).to_contain_text("4 messages: succeeded, release 41.")

    choose(here, "Dry run")
    here.get_by_role("button", name="Dry run", exact=True).click()
    expect(here.locator("#content-main")).to_contain_text("4 of 4 would differ")
    assert not Group.objects.exists()
    here.go_back()
    here.go_back()

    choose(here, "Replay")
    expect(here.locator("#content-main")).to_contain_text("Replay: 4 messages.")
    confirm(here, "Replay", "41 forgot the fee")
    see_it_end(here, "Replay", running)
    with running():
        until(here, lambda: Group.objects.count() == 4)
    assert Group.objects.count() == 4
    assert ProcessedMessage.objects.filter(generation=1).count() == 4
    assert len(set(school.handled)) == len(school.handled) == 10


def test_a_group_is_discarded_and_restored(visit: Visit, school: School, running: Running) -> None:
    organization()
    here = visit()
    a_dead_group(here)
    choose(here, "Discard")
    confirm(here, "Discard", "test data")
    see_it_end(here, "Discard", running)
    assert count(Status.DISCARDED) == 3

    here.goto(group(ProcessedMessage.objects.latest("pk").fingerprint))
    expect(here.locator("#content-main")).to_contain_text("discarded 3")
    choose(here, "Restore")
    confirm(here, "Restore")
    see_it_end(here, "Restore", running)
    assert count(Status.DEAD) == 3


def test_messages_of_an_unknown_organization_are_reprocessed_when_it_is_added(
    visit: Visit, school: School, running: Running
) -> None:
    school.is_mended = True
    receive(3, home=organization_id(7))
    assert count(Status.QUARANTINED) == 3
    here = visit()
    here.goto(desk())
    expect(here.locator(".passport-table")).to_contain_text("unknown_organization")
    here.goto(listing(SalesforceOrganization) + "add/")
    here.get_by_label("Salesforce id").fill(organization_id(7)[:15])
    here.get_by_label("Name").fill("Lakeside")
    here.get_by_label("Mode").select_option("live")
    here.get_by_role("button", name="Save", exact=True).click()
    expect(here.locator(".messagelist")).to_contain_text("Messages are held for Lakeside")
    here.get_by_role("row").filter(has_text="Lakeside").get_by_role("checkbox").check()
    here.locator("select[name=action]").select_option(label="Reprocess messages")
    here.get_by_role("button", name="Go").click()
    confirm(here, "Reprocess messages")
    with running():
        until(here, lambda: count(Status.SUCCEEDED) == 3)
    assert count(Status.SUCCEEDED) == 3


def test_an_organization_is_paused_and_resumed(visit: Visit, school: School) -> None:
    home = organization(name="Northfield")
    school.is_mended = True
    here = visit()
    for label, word in (("Pause", "paused"), ("Resume", "resumed")):
        here.goto(listing(SalesforceOrganization))
        here.get_by_role("row").filter(has_text="Northfield").get_by_role("checkbox").check()
        here.locator("select[name=action]").select_option(label=label)
        here.get_by_role("button", name="Go").click()
        confirm(here, label, "they move house")
        expect(here.locator(".messagelist")).to_contain_text(f"1 {word}.")
        receive(1, first=home.pk * 10 + len(label))
        assert count(Status.WAITING) == (label == "Pause")
    assert count(Status.SUCCEEDED) == 2


def test_an_event_type_is_paused_and_resumed_without_javascript(visit: Visit, school: School) -> None:
    organization()
    school.is_mended = True
    here = visit("pause_flow", java_script_enabled=False)
    here.goto(desk())
    here.get_by_role("link", name="Pauses and rate limits").click()
    here.get_by_label("Event type").select_option("opportunity")
    choose(here, "Pause")
    confirm(here, "Pause", "S3 is down")
    expect(here.get_by_role("row").filter(has_text="S3 is down")).to_contain_text(
        "opportunity of every organization"
    )
    receive(1)
    assert count(Status.WAITING) == 1
    here.get_by_role("button", name="Resume pause, opportunity of every organization").click()
    expect(here.locator("#content-main")).to_contain_text("No pauses or rate limits are active.")
    receive(1, first=2)
    assert count(Status.SUCCEEDED) == 2


def test_an_action_is_paused_resumed_and_cancelled(visit: Visit, school: School, running: Running) -> None:
    organization()
    here = visit()
    a_dead_group(here, 5)
    choose(here, "Retry")
    here.get_by_label("Rate limit, messages/min").fill("1")
    confirm(here, "Retry", "slowly")
    progress = here.locator("#passport-progress")
    here.get_by_role("button", name="Pause").click()
    expect(progress.get_by_role("heading")).to_have_text("Retry: paused")
    with running():
        here.wait_for_timeout(500)
    assert count(Status.DEAD) == 5
    here.get_by_role("button", name="Resume").click()
    expect(progress.get_by_role("heading")).to_have_text("Retry: running")
    here.get_by_role("button", name="Cancel").click()
    expect(progress.get_by_role("heading")).to_have_text("Retry: cancelled")
    expect(progress.get_by_role("button")).to_have_count(0)


def test_an_export_is_a_file(visit: Visit, school: School, tmp_path: Path) -> None:
    organization()
    here = visit()
    a_dead_group(here)
    choose(here, "Export")
    with here.expect_download() as begun:
        here.get_by_role("button", name="Export", exact=True).click()
    assert begun.value.suggested_filename == "messages.csv"
    begun.value.save_as(tmp_path / "messages.csv")
    with (tmp_path / "messages.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3


def test_who_may_only_look_is_offered_nothing_and_refused(visit: Visit, school: School) -> None:
    organization()
    receive(1)
    here = visit("view_processedmessage", name="eve")
    here.goto(desk())
    here.get_by_role("link", name="NoProgram").click()
    expect(here.locator("#content-main button")).to_have_count(0)
    here.goto(page(ProcessedMessage.objects.get()))
    expect(here.locator("#content-main button")).to_have_count(0)
    # Somebody takes the form of another's page.
    here.goto(action("act", OperatorAction) + "?statuses=dead")
    expect(here.locator("#content-main")).to_contain_text("You have no permission for an operation.")
    with here.watch.expecting("403"):
        here.evaluate(
            """() => {
                const form = document.querySelector('form[method=get]').cloneNode(true);
                const token = document.querySelector('[name=csrfmiddlewaretoken]').cloneNode();
                form.method = 'post'; form.append(token);
                form.innerHTML += '<input name=operation value=retry><input name=confirmed value=yes><input name=reason value=x>';
                document.body.append(form); form.submit();
            }"""
        )
        expect(here.get_by_role("heading", level=1)).to_contain_text("403")
    assert count(Status.DEAD) == 1
    assert not OperatorAction.objects.exists()
