"""A browser, a site to look at, and who looks. Imports are inside: read before Django is set up."""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from project.embedded import ValkeyServer
from tests.browser import chromium
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from tests.browser.school import School

SIZE = {"width": 1280, "height": 900}
Visit = Callable[..., Page]
expect.set_options(timeout=30_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--screenshots`."""
    parser.addoption("--screenshots", action="store_true", help="write the pictures of docs/images again")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    path = chromium.find()
    assert path, f"`make browser` gets Chromium, or set {chromium.VARIABLE}"
    # Playwright keeps an event loop in this thread, and Django takes that for an async view.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the tests' host project, served with its static files under the strict policy."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(MIDDLEWARE=["tests.browser.policy.strict", *settings.MIDDLEWARE]):
        yield str(request.getfixturevalue("live_server").url)


@pytest.fixture(autouse=True)
def _nothing_is_remembered(transactional_db: None, redis_server: ValkeyServer, settings: Any) -> None:
    """Caches outlive a test's database; and the first failure is the last, because nobody waits here."""
    from passport_events.monitoring import rollup, sampling
    from passport_events.receiving import organization_cache

    organization_cache.clear()
    sampling._limiter.reset()
    rollup._limiter.reset()
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MAX_RETRIES": 0, "RELEASE": "41"}


@pytest.fixture
def visit(browser: Browser, site: str, live_server: object) -> Iterator[Visit]:
    """Gives a function: `visit("retry_message")` is the browser of somebody who may view everything, and that.

    `visit()` is the browser of somebody who may do everything. A test ends with what its pages complained of.
    """
    from django.test import Client

    contexts: list[tuple[BrowserContext, Watch]] = []

    def open_one(*codenames: str, name: str = "ann", **options: Any) -> Page:
        client = Client()
        client.force_login(_staff(name, codenames))
        settings: dict[str, Any] = {"viewport": SIZE, **options}
        context = browser.new_context(base_url=site, **settings)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
        contexts.append((context, Watch(context, site)))
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.watch = contexts[-1][1]
        return page

    yield open_one
    for context, watch in contexts:
        context.close()
        assert watch.complaints == []


@pytest.fixture
def school(monkeypatch: pytest.MonkeyPatch) -> School:
    """What handles opportunities; broken at first."""
    from passport_events.handling.registry import handles
    from tests.browser.school import School

    monkeypatch.setattr("passport_events.handling.registry._handlers", {})
    made = School()
    handles("opportunity")(made.enrol)
    return made


@pytest.fixture
def running() -> Callable[[], Any]:
    """Workers and the ticker do what they do inside of a `with` block of this."""
    from tests.operating.test_incidents import at_once, ticker, worker

    @contextmanager
    def run() -> Iterator[None]:
        with at_once(worker, ticker):
            yield

    return run


def _staff(name: str, codenames: tuple[str, ...]) -> Any:
    from django.contrib.auth.models import Permission, User

    if not codenames:
        return User.objects.create_superuser(name)
    user = User.objects.create_user(name, is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="passport_events")
    viewing = ours.filter(codename__startswith="view_").exclude(codename="view_payload")
    user.user_permissions.set([*viewing, *ours.filter(codename__in=codenames)])
    return user
