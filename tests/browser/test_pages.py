"""What pages look like to axe-core, to a phone, and to somebody who writes hostile events."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from passport_events.models import Delivery, OperatorAction, ProcessedMessage, SalesforceRecord
from passport_events.operating import audit_log, flow_operations
from passport_events.operating.audit_log import Actor
from tests.admin.urls import action, desk, group, listing, page
from tests.browser import scenery
from tests.browser.conftest import Visit
from tests.browser.school import School, receive
from tests.operating.inbox import organization, store

DASHBOARD = reverse("admin:passport_monitoring_figures_changelist")
TYPED = "<script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = f"=HYPERLINK(1)javascript:alert(3){TYPED}\u202egnirts\u2066"
LARGE = HOSTILE + "x" * (2**20 - 10_000)  # SQS takes 1 MiB, with everything else
LIVE = "#content img[src=x], #content a[href*='javascript:' i], #content script:not([src])"
"""What such text would be if it were more than text."""
pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("school")]


@pytest.fixture
def busy(school: School, monkeypatch: pytest.MonkeyPatch) -> ProcessedMessage:
    """A busy hour, and one of its dead letters."""
    monkeypatch.setattr("passport_events.handling.registry._handlers", {})
    scenery.set_up()
    flow_operations.limit_rate("item", None, Actor("ann"), "their API is slow", 60)
    return scenery.a_dead_message()


def pages_of(message: ProcessedMessage) -> dict[str, str]:
    """Those that everybody on call sees."""
    started = audit_log.add_note(message.fingerprint, "fixed in 42", Actor("ann"))
    return {
        "desk": desk(),
        "group": group(message.fingerprint),
        "message": page(message),
        "delivery": page(message.delivery),
        "record": page(SalesforceRecord.objects.latest("pk")),
        "list": listing(ProcessedMessage),
        "act": action("act", OperatorAction) + f"?statuses=dead&fingerprint={message.fingerprint}",
        "action": page(started),
        "flow": action("flow", OperatorAction),
        "dashboard": DASHBOARD,
    }


def findings(here: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    found = Axe().run(here).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, busy: ProcessedMessage, scheme: str) -> None:
    here = visit(color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for name, url in pages_of(busy).items():
        if name == "list":  # the search box of Django's own lists has a picture for a label
            continue
        here.goto(url)
        if name == "dashboard":
            expect(here.locator(".passport-plot canvas").first).to_be_visible()
        found[name] = findings(here)
        if name == "act":
            here.get_by_role("button", name="Retry…", exact=True).click()
            found["asking"] = findings(here)
    assert {name: some for name, some in found.items() if some} == {}


def test_no_page_is_wider_than_a_phone(visit: Visit, busy: ProcessedMessage) -> None:
    here = visit(viewport={"width": 390, "height": 800})
    wide = {}
    for name, url in pages_of(busy).items():
        if name != "list":  # Django's own
            here.goto(url)
            wide[name] = here.evaluate("document.querySelector('#content').scrollWidth")
    assert {name: width for name, width in wide.items() if width > 390} == {}


def test_the_dashboard_draws_its_charts_for_each_range(visit: Visit, busy: ProcessedMessage) -> None:
    here = visit()
    here.goto(DASHBOARD)
    expect(here.locator(".passport-plot canvas").first).to_be_visible()
    drawn = here.locator(".passport-plot").count()
    assert drawn >= 3
    for label in ("24 h", "7 d", "1 h"):
        here.locator(".passport-ranges button").filter(has_text=label.split()[0]).first.click()
        expect(here.locator(".passport-plot canvas").first).to_be_visible()
    inked = """canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]
        .filter((value, index) => index % 4 === 3 && value).length"""
    assert here.locator(".passport-plot canvas").first.evaluate(inked) > 1_000
    expect(here.locator("#content-main")).to_contain_text("Northfield")


def test_what_others_write_is_text_everywhere(visit: Visit, school: School) -> None:
    home = organization(name=TYPED)
    fields = {"Name": HOSTILE, HOSTILE: HOSTILE, "Url": "javascript:alert(4)", "Large": LARGE}
    receive(1, fields=fields, origin=HOSTILE)
    store(HOSTILE.encode())
    flow_operations.pause("item", home, Actor(TYPED), TYPED)
    message = ProcessedMessage.objects.exclude(event_type="").get()
    assert (message.status, message.reason) == ("dead", "retries used up: tests.browser.school.NoProgram")
    audit_log.add_note(message.fingerprint, TYPED, Actor(TYPED))
    here = visit()
    urls = [*pages_of(message).values(), *map(page, Delivery.objects.all()), page(home)]
    for url in urls:
        here.goto(url)
        for button in range(here.get_by_role("button", name="Show values").count()):
            here.get_by_role("button", name="Show values").nth(button).click()
            expect(here.locator("#content-main")).to_contain_text("=HYPERLINK")
        assert here.locator(LIVE).count() == 0, url
        shown = here.locator("#content").inner_text()
        assert not {"\u202e", "\u2066"} & set(shown), url
    here.goto(action("act", OperatorAction) + "?statuses=dead")
    here.get_by_role("button", name="Export…").click()
    here.get_by_label("Include payload (personal data)").check()
    with here.expect_download() as begun:
        here.get_by_role("button", name="Export", exact=True).click()
    exported = begun.value.path().read_text()
    assert "\n=" not in exported
    assert ",=" not in exported
    assert ',"=' not in exported
