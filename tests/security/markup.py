"""Tags, attributes and forms of a page, as a browser would find them."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

Attributes = dict[str, str]


@dataclasses.dataclass(slots=True)
class Form:
    """A form as it would be sent with nothing filled in, except its buttons."""

    action: str
    method: str
    fields: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    buttons: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Names and values; a browser sends the pressed one."""


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, html: str) -> None:
        """Parse it."""
        super().__init__()
        self.tags: list[tuple[str, Attributes]] = []
        self.forms: list[Form] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif self.forms:
            self._field(tag, attributes)

    def _field(self, tag: str, attributes: Attributes) -> None:
        form, name = self.forms[-1], attributes.get("name", "")
        if tag == "button" or attributes.get("type") == "submit":
            form.buttons.append((name, attributes.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in attributes:
            form.fields.setdefault(self._select, []).append(attributes.get("value", ""))
        elif tag == "input" and attributes.get("type") in ("checkbox", "radio"):
            if "checked" in attributes:
                form.fields.setdefault(name, []).append(attributes.get("value", "on"))
        elif tag in ("input", "textarea") and name:
            form.fields.setdefault(name, []).append(attributes.get("value", ""))

    def form(self, action: str) -> Form:
        """The one that is sent there."""
        [found] = [form for form in self.forms if form.action == action]
        return found
