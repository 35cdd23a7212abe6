"""Case C5. Every `manage.py` line of the documents is one that the real parsers take."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:manage\.py |passport [a-z]|poll_sqs|dispatch_messages)[^`\n]*)`")
COMMAND = re.compile(r"(?:^|[\s(])manage\.py +(.+)")
SHORTENED = {"00D...": "00D5f000000CabWEAS", "006...": "0065f000000CabW"}
"""What the documents write for an id."""


def in_blocks(page: Path) -> list[str]:
    """What stands after `manage.py` in the blocks of a page: to be typed as it stands."""
    blocks = [re.sub(r"\\\n\s*", " ", block) for block in BLOCK.findall(page.read_text())]
    return [command for block in blocks for line in block.splitlines() for command in COMMAND.findall(line)]


def in_sentences(page: Path) -> list[str]:
    """Commands in backticks: names of verbs and flags, whose values may be left out."""
    text = BLOCK.sub("", page.read_text())
    return [found.removeprefix("manage.py ") for found in INLINE.findall(text) if found != "manage.py "]


def on_pages(found_on: Callable[[Path], list[str]]) -> list[tuple[str, str]]:
    return [(page.name, line) for page in PAGES for line in dict.fromkeys(found_on(page))]


def words_of(line: str) -> list[str]:
    """The arguments of the first command of a shell line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = []
    for word in lexer:
        if set(word) <= set("|;&<>"):
            break
        words.append(word)
    return words


def parser_of(name: str) -> ArgumentParser:
    """That of a command. Raises CommandError where there is none of this name."""
    apps = get_commands()
    if name not in apps:
        raise CommandError(f"There is no manage.py {name}.")
    command = load_command_class(apps[name], name)
    command._called_from_command_line = True  # type: ignore[attr-defined]  # else it raises CommandError
    return command.create_parser("manage.py", name)


def parse(line: str) -> None:
    """Raises CommandError or SystemExit where a command does not exist or does not take what follows."""
    for short, whole in SHORTENED.items():
        line = line.replace(short, whole)
    name, *arguments = words_of(line)
    parser_of(name).parse_args(arguments)


def unknown_names(line: str) -> set[str]:
    """The verb and the flags of a line that do not exist."""
    name, *arguments = words_of(line)
    parser = parser_of(name)
    verbs = next((each for each in parser._actions if isinstance(each, _SubParsersAction)), None)
    wrong = set()
    if verbs is not None and arguments and not arguments[0].startswith("-"):
        if arguments[0] not in verbs.choices:
            return {arguments[0]}
        parser = verbs.choices[arguments[0]]
    for word in arguments:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in parser._option_string_actions:
            wrong.add(flag)
    return wrong


@pytest.mark.parametrize(("page", "line"), on_pages(in_blocks))
def test_a_line_of_a_block_is_taken_by_the_real_parser(
    page: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        parse(line)
    except SystemExit:
        pytest.fail(f"{page}: manage.py {line}\n{capsys.readouterr().err}")


@pytest.mark.parametrize(("page", "line"), on_pages(in_sentences))
def test_verbs_and_flags_in_a_sentence_exist(page: str, line: str) -> None:
    assert unknown_names(line) == set(), page


def test_lines_are_found_on_the_pages_that_have_them() -> None:
    assert {name for name, _ in on_pages(in_blocks)} >= {
        "README.md",
        "install.md",
        "operating.md",
        "doctor.md",
    }
    assert {name for name, _ in on_pages(in_sentences)} >= {"install.md", "operating.md", "doctor.md"}
    assert ("install.md", "poll_sqs --health-file /tmp/poller.json") in on_pages(in_sentences)


@pytest.mark.parametrize(
    "line", ["poll_sqs --concurency 4", "passport relase", "passport list --colour red", "poll_sqs now"]
)
def test_a_line_that_is_wrong_is_found(line: str) -> None:
    with pytest.raises(SystemExit):
        parse(line)
    assert unknown_names(line) or line == "poll_sqs now"
