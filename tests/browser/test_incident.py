"""A night on call: find what fails, read it, try one, send the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating import failure_groups
from tests.admin.urls import desk
from tests.browser.conftest import Visit
from tests.browser.school import School, receive
from tests.browser.watching import until
from tests.operating.inbox import organization

Running = Callable[[], Any]
pytestmark = pytest.mark.postgresql


def test_a_group_is_found_and_a_message_read_and_tried_and_the_rest_sent_back(
    visit: Visit, school: School, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization(name="Northfield")
    sent = receive(60)
    page = visit()
    page.goto(desk())

    row = page.get_by_role("row").filter(has_text="NoProgram")
    expect(row).to_contain_text("60")
    expect(row).to_contain_text("Northfield")
    row.get_by_role("link", name="NoProgram").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("NoProgram")

    page.get_by_role("link", name=str(sent[-1]), exact=True).click()
    expect(page.locator(".passport-timeline")).to_contain_text("no program")
    page.get_by_text("Traceback", exact=True).click()
    expect(page.locator(".passport-timeline pre")).to_contain_text("in enrol")
    page.get_by_role("link", name="Failure group").click()

    school.is_mended = True
    page.get_by_role("button", name="Test retry…").click()
    page.get_by_label("Reason").fill("deployed 42")
    page.get_by_role("button", name="Test retry").click()
    expect(page.locator(".messagelist")).to_contain_text(f"Message {sent[-1]} was requeued")
    with running():
        until(page, lambda: ProcessedMessage.objects.filter(pk=sent[-1], status="succeeded").exists())
        page.reload()
        expect(page.locator(".passport-head")).to_contain_text("succeeded")

    page.get_by_role("link", name="Failure group").click()
    expect(page.locator("#content-main")).to_contain_text("dead 59 · succeeded 1")
    monkeypatch.setattr("passport_events.operating.runner.MAX_STEP_MESSAGES", 10)
    page.get_by_role("button", name="Retry…", exact=True).click()
    page.get_by_label("Reason").fill("the trial went well")
    page.get_by_role("button", name="Retry", exact=True).click()
    progress = page.locator("#passport-progress")
    expect(progress).to_contain_text("10 of 59 messages")
    with running():  # the page looks by itself
        expect(progress.get_by_role("heading")).to_have_text("Retry: done")
        expect(progress).to_contain_text("59 of 59 messages")
        until(page, lambda: len(school.handled) == 60)
    assert len(set(school.handled)) == len(school.handled) == 60

    page.goto(desk())
    expect(page.get_by_role("heading", level=2)).not_to_have_text(re.compile("^Failure groups"))
    assert not failure_groups.find_groups(failure_groups.GroupFilter()).groups
    assert ProcessedMessage.objects.filter(status="succeeded").count() == 60


def test_a_note_on_a_group_is_there_for_the_others(visit: Visit, school: School) -> None:
    organization()
    receive(1)
    page = visit()
    page.goto(desk())
    page.get_by_role("link", name="NoProgram").click()
    page.get_by_role("button", name="Add note…").click()
    page.get_by_label("Note").fill("fixed in 42, retry after the deploy")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#content-main")).to_contain_text("fixed in 42, retry after the deploy")

    other = visit("note_message", name="bob")
    other.goto(desk())
    other.get_by_role("link", name="NoProgram").click()
    expect(other.locator("#content-main")).to_contain_text("fixed in 42")
    expect(other.get_by_role("button", name="Retry")).to_have_count(0)
    assert OperatorAction.objects.count() == 1
