"""Case A6. What a handler's error says of a value is stored, shown and logged nowhere, in no form."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import logging
import urllib.parse
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from passport_events import Discard, Event, Reject, RetryLater, fingerprint, handles
from passport_events.dispatching import hints
from passport_events.handling import registry
from passport_events.handling.error_report import report
from passport_events.handling.error_report.masking import collect_names, collect_values
from passport_events.handling.error_report.report import describe
from passport_events.handling.rq_worker import PassportSimpleWorker
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceOrganization, SalesforceRecord
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import execute_dry_run
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.admin.conftest import Login
from tests.handling.factories import an_event
from tests.harness.steps import CountedText, assert_linear, count_steps
from tests.operating.inbox import opportunity, organization, rows
from tests.operating.test_passport_command import passport

SECRET = "Zyxwvut Qqrst"
QUEUE = "passport-opportunities"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "json": json.dumps,
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "url": lambda text: urllib.parse.quote(text, errors="replace"),
    "form": lambda text: urllib.parse.quote_plus(text, errors="replace"),
    "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(),
    "hex": lambda text: text.encode("utf-8", "replace").hex(),
    "reversed": lambda text: text[::-1],
    "upper case": str.upper,
    "swapped case": str.swapcase,
    "split": " ".join,
    "lines": lambda text: "\n".join(text.split()),
    "half": lambda text: text[: len(text) // 2 + 1],
    "many": lambda text: f"{text} and {text}, {text}",
    "long": lambda text: text + "x" * 30_000 + text,
    "bytes": lambda text: str(text.encode("utf-8", "replace")),
}


def raise_plain(told: str) -> NoReturn:
    raise ValueError(f"no program for {told} in the catalogue")


def raise_alone(told: str) -> NoReturn:
    raise KeyError(told)


def raise_class(told: str) -> NoReturn:
    raise type(told.replace("\0", "").encode("utf-8", "replace").decode(), (Exception,), {"text": told})(told)


def raise_note(told: str) -> NoReturn:
    error = ValueError("it broke")
    error.add_note(told)
    raise error


def raise_from(told: str) -> NoReturn:
    raise RuntimeError("it broke") from ValueError(told)


def raise_group(told: str) -> NoReturn:
    raise ExceptionGroup(told, [ValueError(told), ExceptionGroup("inner", [KeyError(told)])])


def raise_compiled(told: str) -> NoReturn:
    code = f"raise ValueError({'not ' + told!r})".encode("utf-8", "backslashreplace")
    name = told.replace("\0", "").encode("utf-8", "replace").decode()
    exec(compile(code, name, "exec"), {"__name__": name})  # noqa: S102
    raise AssertionError


def raise_attributes(told: str) -> NoReturn:
    error: Any = OSError(2, told, told)
    error.status_code = error.code = error.response = error.sqlstate = told
    raise error


def raise_leaving(told: str) -> NoReturn:
    raise SystemExit(told)


def raise_lookup(told: str) -> NoReturn:
    getattr(object(), told.encode("utf-8", "replace").decode())
    raise AssertionError


WAYS = [
    raise_plain,
    raise_alone,
    raise_class,
    raise_note,
    raise_from,
    raise_group,
    raise_compiled,
    raise_attributes,
    raise_leaving,
    raise_lookup,
]

# Letters that no word of the code is made of.
VALUES = st.text("zqxjZQXJ'\"\\%{}<& -.,:/@\n\0\ud800äß漢", min_size=4, max_size=40).filter(
    lambda text: sum(map(str.isalpha, text)) > 3
)


@given(VALUES, st.sampled_from(sorted(FORMS)), st.sampled_from(WAYS))
def test_no_form_of_a_value_is_in_the_report(value: str, form: str, way: Callable[[str], NoReturn]) -> None:
    """Also of one that the event does not hold: nothing is compared with values."""
    told = FORMS[form](value)
    try:
        way(told)
    except BaseException as error:  # noqa: BLE001  whatever the handler raises
        report = describe(error, [{"Name": 1}])
    words = {word for text in (value, told) for word in text.split() if sum(map(str.isalpha, word)) > 3}

    assert not [word for word in words if word in str(report)]
    report.text.encode()
    report.frames.encode()


@pytest.mark.parametrize("way", WAYS)
def test_a_longer_text_costs_no_more(way: Callable[[str], NoReturn], monkeypatch: pytest.MonkeyPatch) -> None:
    """Case B2: of a text that has no end, the beginning is read."""
    monkeypatch.setattr(report, "MAX_READ_CHARACTERS", 100)

    def steps(words: int) -> int:
        try:
            way("ab " * words)
        except BaseException as error:  # noqa: BLE001  whatever the handler raises
            raised = error
        describe(raised)  # fills caches
        return count_steps(lambda: describe(raised))

    assert steps(2_000) <= 1.1 * steps(200)


@pytest.mark.parametrize(
    "text", ["a", "'a ", "a@", "#, ", '"', "a.", "1-", "-+", "` ", "'", "a'", "[value]"], ids=range(12)
)
def test_normalizing_a_text_takes_time_in_proportion_to_its_length(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case B2: nothing in a pattern goes back over what was read."""
    seen = 0
    real = fingerprint.normalize_text

    def prepare(size: int) -> Callable[[], object]:
        nonlocal seen
        seen = max(seen, size)
        return lambda: real(text * size)

    assert_linear(prepare, 400)
    assert real(text * 10**6) == real((text * 10**6)[: fingerprint.MAX_READ_LENGTH])


def test_an_event_of_many_fields_costs_no_more() -> None:
    """Case B2: names are looked up, and not gone through."""

    def prepare(size: int) -> Callable[[], object]:
        fields = {f"Field{number}": f"value {number}" for number in range(size * 1_000)}
        try:
            raise_plain(SECRET)
        except ValueError as error:
            raised = error
        return lambda: describe(raised, [fields])

    once, twice = prepare(10), prepare(20)
    assert once() == twice()
    assert_linear(prepare, 4)


STAGES = {"Won": 1, "Closed Lost": 2}


@pytest.mark.parametrize("value", ["Won", "won ", "Closed Lost", ["Won"], {"a": "Won"}, 504, "504"], ids=repr)
def test_a_value_that_the_code_also_says_is_hidden(value: Any) -> None:
    """Case A6: a constant, or a status code, tells a student's value where an event has the same."""
    event = an_event(
        SalesforceOrganization(salesforce_id="00D000000000001AAA"),
        fields={"StageName": value, "Type": "opportunity"},
    )
    leaf = value["a"] if isinstance(value, dict) else value[0] if isinstance(value, list) else value
    error: Any = LookupError(
        f"no such stage: {str(leaf).strip()} as record {event.record_id} has among {len(STAGES)}"
    )
    error.status_code = 504
    try:
        raise error
    except LookupError as raised:
        report = describe(raised, collect_names(event), collect_values(event))
    assert str(leaf).strip() not in report.text
    assert report.text.startswith(f"no such stage: [value] as record {event.record_id} has")
    is_status = str(value) == "504"
    assert ("status_code=504" in report.text) is not is_status


def raise_beside_longer_constants(told: object) -> NoReturn:
    states = ("New York", "the Lost", "%s Won")
    mark = grant = len(states)
    raise LookupError(f"nothing for {told} in {mark + grant}")


@pytest.mark.parametrize(
    "value",
    [True, False, "York", "Lost", "Won", "New  York", "'York.'", "mark.grant", "mark, grant", "timed out"],
    ids=repr,
)
def test_a_value_is_hidden_where_pieces_or_names_of_the_code_say_it(value: Any) -> None:
    """Case A6: a part of a constant, names in a row, what Python says itself, and a boolean."""
    event = an_event(SalesforceOrganization(salesforce_id="00D000000000001AAA"), fields={"StageName": value})
    try:
        raise_beside_longer_constants(value)
    except LookupError as raised:
        report = describe(raised, collect_names(event), collect_values(event))
    assert report.text == "nothing for [value]"


def test_names_without_a_value_are_looked_up() -> None:
    """Case B2: an event can name tens of thousands of fields whose values it does not have."""

    def prepare(size: int) -> Callable[[], object]:
        names = tuple(CountedText(f"Field{number}") for number in range(size))
        event = an_event(SalesforceOrganization(salesforce_id="00D000000000001AAA"))
        event = dataclasses.replace(event, missing=names)
        try:
            raise LookupError(f"no value of {', '.join(names)}")  # noqa: TRY301
        except LookupError as error:
            raised = error
        return lambda: describe(raised, collect_names(event))

    assert_linear(prepare, 300)


def verdict(kind: Callable[[str], BaseException]) -> Callable[[str], NoReturn]:
    def say(told: str) -> NoReturn:
        raise kind(f"not for {told}")

    return say


VERDICTS = [verdict(Reject), verdict(Discard), verdict(lambda text: RetryLater(60, text))]
EVERY_WAY = [*WAYS, *VERDICTS]


@pytest.fixture
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})


def fail_with_all_ways() -> None:
    """One message for each way; where a handler fails differs too."""
    home = organization()
    assert home.pk

    def way_of(event: Event) -> Callable[[str], NoReturn]:
        return EVERY_WAY[int(event.fields["Number"])]

    def tell(event: Event) -> str:
        name = str(event.fields["Name"])
        return FORMS["url"](name) + name

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        Group.objects.get_or_create(name="x")
        way_of(event)(tell(event))

    for number in range(len(EVERY_WAY)):
        opportunity(number + 1, fields={"Name": SECRET, "Number": str(number)})


def assert_hidden(*texts: object) -> None:
    for text in texts:
        for part in (*SECRET.split(), *(word[::-1] for word in SECRET.split())):
            assert part not in str(text), text


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_empty_registry")
def test_it_is_in_no_column_log_line_page_or_output_and_not_in_redis(
    redis_server: ValkeyServer, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    fail_with_all_ways()
    with caplog.at_level(logging.DEBUG):
        hints.send([QUEUE])
        queue = hints.get_rq_queue(QUEUE)
        PassportSimpleWorker([queue], connection=queue.connection).work(burst=True)
        found = execute_dry_run(Selection(event_type="opportunity"), Actor.from_command(), 50)

    kinds = set(ProcessedMessage.objects.values_list("status", flat=True))
    assert kinds == {"waiting", "dead", "ignored"}
    assert MessageAttempt.objects.count() == len(WAYS) + 1
    assert_hidden(caplog.text, *(vars(record) for record in caplog.records), found)
    for row in ProcessedMessage.objects.values():
        assert_hidden({name: value for name, value in row.items() if name != "content"})
    assert_hidden(*MessageAttempt.objects.values())
    assert_hidden(*_redis_values(redis_server))

    client = login("export_message", "rehearse_handler")
    pages = [reverse("admin:passport_events_processedmessage_changelist")]
    keys = ProcessedMessage.objects.values_list("pk", flat=True)
    pages += [reverse("admin:passport_events_processedmessage_change", args=[key]) for key in keys]
    for page in pages:
        answer = client.get(page, follow=True)
        assert answer.status_code == 200
        assert_hidden(answer.content.decode())
    for arguments in (
        ("list", "--failed", "--json"),
        ("list", "--json"),
        ("list", "--export", "jsonl"),
        ("list", "--export", "csv"),
        ("replay", "--event-type", "opportunity", "--dry-run", "50", "--json"),
    ):
        code, said = passport(*arguments)
        assert code in (0, 1), said
        assert_hidden(said)


def _redis_values(server: ValkeyServer) -> list[object]:
    redis: Any = hints.get_connection(QUEUE)
    values: list[object] = []
    for key in redis.scan_iter():
        values += [key, redis.dump(key)]
    assert server.is_running
    return values


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_empty_registry", "redis_server")
def test_what_stays_answers_which_failures_say_504() -> None:
    """The status of an HTTP client's error is a fact, and no value."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        error: Any = ConnectionError(event.fields["Name"])
        error.status_code = 504
        raise error

    organization()
    message = opportunity(1, fields={"Name": SECRET})
    work(QUEUE)

    assert rows(message).get().failures.filter(error__contains="504").exists()
