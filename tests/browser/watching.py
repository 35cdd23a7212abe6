"""A page whose every complaint fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Route


class Watch:
    """What went wrong in a browser, in words: errors in the console, scripts that raised, other hosts."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        """Listen to every page of it, and let nothing out to another host than `origin`."""
        self.complaints: list[str] = []
        self._host = urlsplit(origin).netloc
        context.route("**/*", self._let_through)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"raised: {error.error}"))
        context.on("dialog", self._asked)

    @contextmanager
    def expecting(self, part: str) -> Iterator[None]:
        """One complaint that has this part belongs to the test."""
        before = len(self.complaints)
        yield
        mine = [complaint for complaint in self.complaints[before:] if part in complaint]
        assert mine, f"nobody complained of {part}"
        self.complaints.remove(mine[0])

    def _let_through(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.netloc == self._host or url.scheme in ("data", "blob"):
            route.continue_()
        else:
            self.complaints.append(f"asked {url.scheme}://{url.netloc}")
            route.abort()

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")


def until(page: Page, done: Callable[[], bool]) -> None:
    """Wait for what no page shows, for long enough on any machine, while the browser goes on."""
    for _ in range(600):
        if done():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it does not happen")
