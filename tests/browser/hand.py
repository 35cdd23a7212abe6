"""A hand on the mouse, which counts what it presses: how far it is from an alert to what mends it."""

from __future__ import annotations

from playwright.sync_api import Locator


class Hand:
    """Presses, and writes where it pressed. Typing is not counted; a person can stay on the keyboard for that."""

    def __init__(self) -> None:
        """Nothing is pressed yet."""
        self.clicks = 0

    def click(self, what: Locator) -> None:
        """One press."""
        self.clicks += 1
        what.click()

    def write(self, field: Locator, text: str) -> None:
        """A press into the field, and the text."""
        self.click(field)
        field.press_sequentially(text)
