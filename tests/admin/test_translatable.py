"""Every text of a page can be translated: it goes through gettext."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

import passport_events

PACKAGE = Path(passport_events.__file__).parent
TEMPLATES = sorted(PACKAGE.rglob("templates/**/*.html"))
MODULES = sorted(
    path
    for folder in ("admin", "monitoring")
    for path in (PACKAGE / folder).rglob("*.py")
    if "migrations" not in path.parts
)
HIDDEN = {"code", "script", "style"}
VISIBLE_ATTRIBUTES = {"alt", "aria-label", "data-label", "placeholder", "title"}
VISIBLE_ARGUMENTS = {
    "description",
    "empty_label",
    "end_label",
    "help_text",
    "label",
    "meaning",
    "noun",
    "short_description",
    "title",
    "verbose_name",
    "verbose_name_plural",
}
VISIBLE_ATTRIBUTES_OF_CLASSES = {"search_help_text", "short_description", "title"}
MESSAGE_FUNCTIONS = {"debug", "error", "info", "success", "warning"}
NOT_TEXT = "\ue000"
"""Stands for a tag, a variable or a translated text."""
HAS_LETTERS = re.compile(r"[A-Za-z]{2}")


class _VisibleText(HTMLParser):
    """Collects texts that a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        self.found += [value for name, value in attrs if name in VISIBLE_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in HIDDEN

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data)


def find_template_texts(source: str) -> list[str]:
    """Return the visible texts of a template that are outside of translate tags."""
    html, is_translated = "", False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            if name in ("blocktranslate", "blocktrans", "comment") or token.contents == "block bodyclass":
                is_translated = True
            elif name in ("endblocktranslate", "endblocktrans", "endcomment", "endblock"):
                is_translated = False
        html += token.contents if token.token_type == TokenType.TEXT and not is_translated else NOT_TEXT
    parser = _VisibleText()
    parser.feed(html)
    parser.close()
    return [text.strip() for text in parser.found if HAS_LETTERS.search(text)]


def find_literal_defaults(source: str) -> list[str]:
    """Return the literal texts with a letter that variables of a template show."""
    shown = [token.contents for token in Lexer(source).tokenize() if token.token_type == TokenType.VAR]
    return [text for text in shown if re.search(r'\|default(_if_none)?:"[^"]*[A-Za-z]', text)]


def find_python_texts(source: str) -> Iterator[str]:
    """Yield literal texts that are shown on pages, and where: `line: text`."""
    for node in ast.walk(ast.parse(source)):
        shown: list[ast.expr] = []
        if isinstance(node, ast.Call):
            shown += [keyword.value for keyword in node.keywords if keyword.arg in VISIBLE_ARGUMENTS]
            function = node.func
            if (
                isinstance(function, ast.Attribute)
                and function.attr in MESSAGE_FUNCTIONS
                and isinstance(function.value, ast.Name)
                and function.value.id == "messages"
            ):
                shown += node.args[1:2]
        elif isinstance(node, ast.ClassDef):
            shown += [
                statement.value
                for statement in node.body
                if isinstance(statement, ast.Assign)
                and any(
                    isinstance(target, ast.Name) and target.id in VISIBLE_ATTRIBUTES_OF_CLASSES
                    for target in statement.targets
                )
            ]
        for value in shown:
            for text in _find_literals(value):
                yield f"{value.lineno}: {text}"


def _find_literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        if HAS_LETTERS.search(value.value):
            yield value.value
    elif isinstance(value, ast.JoinedStr):
        for part in value.values:
            yield from _find_literals(part) if isinstance(part, ast.Constant) else ()
    elif isinstance(value, ast.IfExp):
        yield from _find_literals(value.body)
        yield from _find_literals(value.orelse)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_visible_text_outside_of_translate_tags(path: Path) -> None:
    source = path.read_text()
    assert find_template_texts(source) == []
    assert find_literal_defaults(source) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_of_pages_passes_visible_texts_to_gettext(path: Path) -> None:
    assert list(find_python_texts(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<h2>Hello</h2>", ["Hello"]),
        ('<h2 class="a">{% translate "Hello" %}: {{ name }}</h2>', []),
        ("{% blocktranslate %}Hello <b>you</b>{% endblocktranslate %}", []),
        ('<input placeholder="Hello"{% if a %} class="b"{% endif %}>', ["Hello"]),
        ("<code>manage.py</code>&nbsp;", []),
    ],
)
def test_a_text_outside_of_translate_tags_is_found(source: str, found: list[str]) -> None:
    assert find_template_texts(source) == found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('display(description="who")', 1),
        ('display(description=_("who"))', 0),
        ('messages.info(request, f"{count} done")', 1),
        ('page(title="Desk" if a else _("b"))', 1),
        ('class A:\n    search_help_text = "IDs"', 1),
    ],
)
def test_a_literal_text_in_a_module_is_found(source: str, count: int) -> None:
    assert len(list(find_python_texts(source))) == count
