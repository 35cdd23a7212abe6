"""Messages as a file."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, ProcessedMessage, Status
from passport_events.operating import export as module
from passport_events.operating.audit_log import Actor
from passport_events.operating.export import CSV, JSON_LINES, escape_cell, export_messages
from passport_events.operating.selection import Selection
from tests.operating.inbox import dead, organization, rows
from tests.operating.test_passport_command import passport

EVERY = Selection()
EVIL = '=HYPERLINK("http://x","y")'


@given(st.text(max_size=30))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    shown = escape_cell(text)
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
    assert not shown.startswith(("\t", "\r", "\n"))


@pytest.mark.django_db
@pytest.mark.parametrize("form", [CSV, JSON_LINES])
def test_every_message_is_a_line_and_no_payload_leaves(ann: Actor, form: str) -> None:
    organization()
    messages = [dead(number, fields={"Name": "Ada Lovelace"}) for number in range(3)]
    rows(messages[0]).update(reason=EVIL, fingerprint="f00")

    text = "".join(export_messages(EVERY, form, ann))

    assert "Lovelace" not in text
    lines = (
        list(csv.DictReader(io.StringIO(text)))
        if form == CSV
        else [json.loads(line) for line in text.splitlines()]
    )
    assert [int(line["id"]) for line in lines] == [message.pk for message in messages]
    assert lines[0]["reason"] == (f"'{EVIL}" if form == CSV else EVIL)
    assert lines[0]["fingerprint"] == "f00"


@pytest.mark.django_db
@pytest.mark.parametrize("form", [CSV, JSON_LINES])
def test_the_payload_comes_when_it_is_asked_for(ann: Actor, form: str) -> None:
    organization()
    dead(fields={"Name": "Ada Lovelace"})
    assert "Lovelace" in "".join(export_messages(EVERY, form, ann, with_payload=True))


@pytest.mark.django_db
@pytest.mark.parametrize("text", [EVIL, "\u202egnp.exe", "a\r\nb\u2028c\u0085", "</script>", "a" * 900_000])
def test_a_hostile_payload_is_one_line_of_ascii_and_the_same_when_read(ann: Actor, text: str) -> None:
    organization()
    dead(fields={"Name": text})
    line = "".join(export_messages(EVERY, JSON_LINES, ann, with_payload=True))
    assert (line.isascii(), len(line.splitlines()), line[-1]) == (True, 1, "\n")
    assert json.loads(line)["content"]["fields"] == {"Name": text}


@pytest.mark.django_db
def test_the_journal_knows_who_took_what_before_the_first_line_leaves(ann: Actor) -> None:
    organization()
    dead()
    lines = export_messages(Selection(statuses=(Status.DEAD,)), CSV, ann, "for the audit", with_payload=True)

    action = OperatorAction.objects.get()
    assert (action.kind, action.reason) == ("export", "csv with payload: for the audit")
    assert (action.selection, action.affected, action.progress) == ({"statuses": ["dead"]}, 0, None)

    list(lines)
    action.refresh_from_db()
    assert action.affected == 1
    assert action.ended_at is not None


@pytest.mark.django_db
def test_a_download_that_is_broken_off_is_recorded_as_far_as_it_came(ann: Actor) -> None:
    organization()
    for number in range(3):
        dead(number)
    lines = export_messages(EVERY, JSON_LINES, ann)
    next(lines), next(lines)
    lines.close()  # type: ignore[attr-defined]  # it is a generator
    assert OperatorAction.objects.get().affected == 1


@pytest.mark.django_db
def test_a_file_is_capped_and_read_in_pages(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    monkeypatch.setattr(module, "MAX_EXPORTED", 5)
    organization()
    for number in range(7):
        dead(number)
    ids = [json.loads(line)["id"] for line in export_messages(EVERY, JSON_LINES, ann)]
    assert ids == list(ProcessedMessage.objects.order_by("pk").values_list("pk", flat=True)[:5])


@pytest.mark.django_db
def test_another_form_is_refused(ann: Actor) -> None:
    with pytest.raises(OperationRefused, match="one of csv, jsonl"):
        export_messages(EVERY, "xlsx", ann)


@pytest.mark.django_db
def test_the_command_writes_the_file_to_its_output() -> None:
    organization()
    message = dead(fields={"Name": "Ada Lovelace"})
    code, said = passport("list", "--export", "jsonl", "--status", "dead")
    assert (code, json.loads(said)["id"]) == (0, message.pk)
    assert "Lovelace" in passport("list", "--export", "csv", "--payload")[1]
