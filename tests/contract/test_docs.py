"""docs/contract.md says what the types and the code say."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import passport_events
from passport_events.conf import Settings
from passport_events.contract import VERSION, build
from passport_events.contract.asyncapi import ATTRIBUTES
from passport_events.contract.problems import find_kind
from passport_events.event import CHANGE_WORDS
from passport_events.handling.retry import RetryPolicy

from .tables import tables

PACKAGE = Path(passport_events.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "contract.md").read_text(encoding="utf-8")
README = (build.FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_table_of_members_is_what_the_types_say() -> None:
    written = re.findall(r"<!-- table: (\w+) -->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)

    assert dict(written) == tables()


def test_every_member_has_a_meaning() -> None:
    lines = [line for table in tables().values() for line in table.splitlines()]

    assert len(lines) > 30
    assert [line for line in lines if line.endswith("| |")] == []


def test_every_reason_of_a_refusal_is_explained_and_no_other_is() -> None:
    (table,) = re.findall(r"<!-- reasons -->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)
    explained = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert len(explained) == len(set(explained))
    assert set(explained) == set(reasons())


def reasons() -> Iterator[str]:
    """Every first word of an Unreadable, and every reason that rows are quarantined for."""
    for path in PACKAGE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            place = {"Unreadable": 0, "quarantine": 2}.get(call.func.id)
            if place is not None and isinstance(call.args[place], ast.Constant):
                yield str(call.args[place].value)  # type: ignore[attr-defined]


def test_the_messages_in_it_are_the_samples() -> None:
    messages = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]

    assert [find_kind(message) for message in messages] == ["attachment", "heartbeat"]
    for message in messages:
        assert message == json.loads(build.generate_files()[f"samples/{find_kind(message)}.valid.json"])


def test_words_and_attributes_are_those_of_the_code() -> None:
    (attributes,) = re.findall(r"## Message attributes\n(.*?)\n## ", TEXT, re.DOTALL)
    (changes,) = re.findall(r"\| change \| `data` is.*?\n\n", TEXT, re.DOTALL)

    assert re.findall(r"^\| `(\w+)` \|", attributes, re.MULTILINE) == list(ATTRIBUTES)
    assert set(re.findall(r"`(\w+)`", changes)) - {"data"} == set(CHANGE_WORDS)


def test_the_version_is_the_present_one() -> None:
    assert set(re.findall(r"[Vv]ersion (?:of the contract is )?`?(\d+\.\d+\.\d+)", TEXT)) == {VERSION}
    assert f"passport-events-contract-{VERSION}.zip" in TEXT


def test_numbers_are_those_of_the_settings() -> None:
    usual = Settings()
    (promised,) = re.findall(r"## What you can rely on\n(.*?)\n## ", TEXT, re.DOTALL)

    assert f"{usual.max_retries} times, over about a day" in promised
    assert timedelta(hours=20) < RetryPolicy.from_settings(usual).total_delay < timedelta(hours=36)
    kept = {usual.deduplication_retention_days, usual.dead_letter_retention_days}
    assert {int(days) for days in re.findall(r"for (\d+) days", promised)} == kept
    assert usual.max_body_bytes == 1024**2
    assert "more than 1 MiB" in TEXT


def test_the_readme_names_every_file_of_the_archive() -> None:
    named = set(re.findall(r"`([\w.]+\.json)`", README))

    assert named == {name for name in build.generate_files() if "/" not in name}
