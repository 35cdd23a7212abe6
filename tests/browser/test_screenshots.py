"""The pictures of README, taken again when somebody asks: `make browser ARGS=--screenshots`."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.admin.urls import desk, page
from tests.browser import scenery
from tests.browser.conftest import Visit

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 300_000
pytestmark = pytest.mark.postgresql


def test_pictures_are_taken(
    visit: Visit, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pytestconfig.option.screenshots:
        pytest.skip("only with --screenshots")
    monkeypatch.setattr("passport_events.handling.registry._handlers", {})
    scenery.set_up()
    here = visit(color_scheme="light", viewport={"width": 1280, "height": 960})
    here.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
    dashboard = reverse("admin:passport_monitoring_figures_changelist")
    pictures = {"desk": desk(), "message": page(scenery.a_dead_message()), "dashboard": dashboard}
    IMAGES.mkdir(exist_ok=True)
    for name, url in pictures.items():
        here.goto(url)
        if name == "dashboard":
            expect(here.locator(".passport-plot canvas").first).to_be_visible()
        path = IMAGES / f"{name}.png"
        height = here.locator("#content").bounding_box() or {"y": 0, "height": 0}
        bottom = min(960, height["y"] + height["height"])
        here.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": bottom})
        assert path.stat().st_size < MOST_BYTES, name
