"""What is kept of an exception: constants of the code, names and places, and never a value."""

from __future__ import annotations

import errno
import json
import re
import socket
import urllib.request
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, validate_email
from django.utils import translation
from rq.timeouts import JobTimeoutException

from passport_events.handling.error_report import report
from passport_events.handling.error_report.masking import MASK
from passport_events.handling.error_report.report import (
    MAX_TEXT_CHARACTERS,
    UNREADABLE_TEXT,
    ErrorReport,
    capture,
    describe,
)
from passport_events.models import SalesforceOrganization

NO_PROGRAM = "There is no program called %s"
SECRET = "Maria Lopez"


def report_of(function: Callable[[], object], *names: Any) -> ErrorReport:
    """Run it, and describe what it raises."""
    try:
        function()
    except BaseException as error:  # noqa: BLE001  whatever it is
        return describe(error, names)
    raise AssertionError("it raised nothing")


def value() -> str:
    return SECRET


def test_the_class_is_named_in_full() -> None:
    assert report_of(lambda: json.loads("x")).error_class == "json.decoder.JSONDecodeError"


def raise_interpolated() -> None:
    raise ValueError(f"no program for {value()} in the catalogue")


def raise_percent() -> None:
    raise ValueError("no program for %s in the catalogue" % value())  # noqa: UP031


def raise_format() -> None:
    raise ValueError("no program for {} in the catalogue".format(value()))  # noqa: UP032


def raise_repr() -> None:
    raise ValueError(f"no program for {value()!r} in the catalogue")


@pytest.mark.parametrize("function", [raise_interpolated, raise_percent, raise_format, raise_repr])
def test_what_the_code_says_stays_and_what_it_puts_in_goes(function: Callable[[], None]) -> None:
    """Case A6."""
    assert report_of(function).text == f"no program for {MASK} in the catalogue"


def test_a_text_of_the_module_stays_where_it_has_a_placeholder() -> None:
    def fail() -> None:
        raise ValueError(NO_PROGRAM % value())

    assert report_of(fail).text == f"There is no program called {MASK}"


def test_a_constant_of_the_module_without_one_may_be_a_value() -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    assert report_of(fail).text == MASK


class NoProgramError(Exception):
    """An error of the project, whose class makes the text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no program called {name} here")


class ClosedError(Exception):
    """The same in another way."""

    text = "The program is closed"

    def __str__(self) -> str:
        return f"{self.text}: {value()}"


def test_what_the_class_of_an_error_says_stays() -> None:
    def closed() -> None:
        raise ClosedError

    def absent() -> None:
        raise NoProgramError(value())

    assert report_of(closed).text == f"The program is closed: {MASK}"
    assert report_of(absent).text == f"There is no program called {MASK} here"


def nothing() -> Any:
    return None


def untyped(given: object) -> Any:
    return given


NONE: tuple[str, ...] = ()
EMPTY: dict[str, str] = {}


def takes_one(program: str) -> None:
    """Do nothing."""


PYTHON: dict[str, Callable[[], object]] = {
    "'NoneType' object has no attribute 'strip'": lambda: nothing().strip(),
    "'NoneType' object is not subscriptable": lambda: nothing()["x"],
    f"invalid literal for int() with base 10: {MASK}": lambda: int(value()),
    f"could not convert string to float: {MASK}": lambda: float(value()),
    "takes_one() missing [value] required positional argument: '[value]'": lambda: takes_one(*NONE),
    "'StageName'": lambda: EMPTY["StageName"],
    "division by zero": lambda: 1 / 0,
    "list index out of range": lambda: list(NONE)[1],
    f"Invalid isoformat string: {MASK}": lambda: datetime.fromisoformat(value()),
    MASK: lambda: EMPTY[value()],
    "[<class 'decimal.ConversionSyntax'>]": lambda: Decimal(value()),
    "unsupported operand type(s) for *: 'decimal.Decimal' and 'float'": lambda: untyped(Decimal(1)) * 1.5,
    "'<' not supported between instances of 'str' and 'int'": lambda: untyped("a") < 1,
    'can only concatenate str (not "int") to str': lambda: untyped("a") + 1,
    "Object of type Decimal is not JSON serializable": lambda: json.dumps({"a": Decimal("1.5")}),
    f"Expecting value: line {MASK} column {MASK} (char {MASK}": lambda: json.loads(value()),
}


@pytest.mark.parametrize("text", PYTHON)
def test_what_python_says_stays_readable(text: str) -> None:
    assert report_of(PYTHON[text]).text == text


def invalid(*messages: Any, **words: Any) -> NoReturn:
    raise ValidationError(*messages, **words)


VALIDATION: dict[str, Callable[[], object]] = {
    "['Enter a valid email address.']": lambda: validate_email(value()),
    "['The program is closed']": lambda: invalid("The program is closed"),
    f"['There is no program {MASK}, as you say']": lambda: invalid(
        "There is no program %(name)s, as you say", params={"name": value()}
    ),
}


@pytest.mark.parametrize("text", VALIDATION)
def test_what_validation_says_stays_readable(text: str) -> None:
    """Also the texts of Django's own fields and validators, which are in no frame of a traceback."""
    assert report_of(VALIDATION[text]).text == text


def test_invalid_columns_are_named() -> None:
    row = SalesforceOrganization(salesforce_id=SECRET * 10, name="", mode=SECRET)
    text = report_of(lambda: row.full_clean(validate_unique=False, validate_constraints=False)).text
    assert "Ensure this value has at most" in text
    assert "is not a valid choice" in text
    assert "invalid=" in text
    assert {"salesforce_id", "name", "mode"} < set(re.findall(r"\w+", text))
    assert SECRET not in text


def test_validation_in_another_language_stays_readable() -> None:
    with translation.override("de"):
        said = str(EmailValidator.message)
        assert report_of(lambda: validate_email(value())).text == f"['{said}']"
    assert said != "Enter a valid email address."


def test_an_operating_system_error_says_which_without_its_file() -> None:
    def fail() -> None:
        raise OSError(errno.ENOENT, "No such file or directory", value())

    assert report_of(fail).text == f"[Errno 2] No such file or directory: {MASK}"
    assert report_of(Path(value()).read_bytes).text.startswith("[Errno 2] No such file or directory")


class Response:
    """Of an HTTP client."""

    def __init__(self, status_code: Any) -> None:
        self.status_code = status_code


class HttpError(Exception):
    """As those of requests."""

    def __init__(self, text: str, status_code: Any = 504) -> None:
        super().__init__(text)
        self.response = Response(status_code)


def test_the_status_of_a_response_can_be_searched_for() -> None:
    def fail() -> None:
        raise HttpError(f"504 Server Error: Gateway Timeout for url: https://crm/?name={value()}")

    def fail_in_silence() -> None:
        raise HttpError(value())

    assert report_of(fail).text.startswith("504 ")
    assert report_of(fail_in_silence).text == f"{MASK} (status_code=504)"


@pytest.mark.parametrize("status", [617_555_0123, "504", True, SECRET, None, Decimal(504)])
def test_a_status_that_is_none_may_be_a_value(status: Any) -> None:
    def fail() -> None:
        raise HttpError(value(), status)

    assert report_of(fail).text == MASK


def test_an_attribute_that_cannot_be_read_does_not_matter() -> None:
    class Odd(Exception):
        @property
        def response(self) -> NoReturn:
            raise RuntimeError

    def fail() -> None:
        raise Odd("it broke")

    assert report_of(fail).text == "it broke"


def test_aws_says_its_code() -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    def fail() -> None:
        facts = {"Code": "NoSuchKey", "Message": f"no {value()}"}
        raise ClientError({"Error": facts, "ResponseMetadata": {"HTTPStatusCode": 404}}, "GetObject")  # type: ignore[typeddict-item]

    told = report_of(fail)
    assert told.error_class == "botocore.exceptions.ClientError"
    assert told.text.startswith("An error occurred (NoSuchKey) when calling the GetObject operation: ")
    assert "Maria" not in told.text
    assert "status_code=404" in told.text


def test_names_of_fields_stay_and_only_whole() -> None:
    def fail(name: str = "Name") -> None:
        raise LookupError(f"the field {name} is missing")

    told = report_of(fail, {"Name": SECRET})
    assert told.text == "the field Name is missing"
    no_name, compound = "Name Lopez", "A.City"
    assert report_of(lambda: fail(no_name), {"Name": SECRET}).text == f"the field {MASK} is missing"
    assert report_of(lambda: fail(compound), {"A.City": 1}).text == "the field A.City is missing"


def test_no_value_is_put_together_from_short_constants_and_variables() -> None:
    def fail(m: str = "M", a: str = "a", r: str = "r", i: str = "i") -> None:
        raise ValueError(f"{m} {a} {r} {i} {a}" + "Mar" + "ia" + " ia ")

    assert report_of(fail).text == MASK


def test_words_of_the_code_in_another_order_are_a_value() -> None:
    def fail(text: str) -> None:
        assert text not in {"Won", "Lost", "Closed"}
        raise ValueError("closed: " + text)

    stage = "Closed Won"
    assert report_of(lambda: fail(stage)).text == f"closed: {MASK}"


def test_what_postgresql_refuses_is_left_out() -> None:
    def fail() -> None:
        raise ValueError("a good \x00 start\ud800 of a text" + "\x00\ud800")

    report_of(fail).text.encode()
    assert "\x00" not in report_of(fail).text + report_of(fail).frames


class Mute(Exception):
    """Its text is what `reaction` makes of it."""

    def __init__(self, reaction: Callable[[], Any]) -> None:
        super().__init__()
        self.reaction = reaction

    def __str__(self) -> str:
        return self.reaction()  # type: ignore[no-any-return]


def leave() -> NoReturn:
    raise SystemExit(SECRET)


@pytest.mark.parametrize(
    "reaction", [lambda: 1 / 0, leave, lambda: None, lambda: b"x"], ids=["error", "exit", "none", "bytes"]
)
def test_an_error_whose_text_cannot_be_made_is_told_all_the_same(reaction: Callable[[], Any]) -> None:
    def fail() -> None:
        raise Mute(reaction)

    told = report_of(fail)
    assert (told.text, told.error_class) == (UNREADABLE_TEXT, f"{__name__}.Mute")


def test_a_job_timeout_while_the_text_is_made_is_the_failure() -> None:
    """Case A6: RQ raises its timeout once."""

    def hang() -> NoReturn:
        raise JobTimeoutException

    def fail() -> None:
        raise Mute(hang)

    with pytest.raises(Mute) as raised:
        fail()
    failure = capture(raised.value)
    assert isinstance(failure.error, JobTimeoutException)
    assert failure.report.error_class == "rq.timeouts.JobTimeoutException"
    assert f"{__name__}.Mute" in failure.report.frames


def test_a_text_with_methods_of_its_own_calls_none_of_them() -> None:
    class Evil(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> Any:
            return SECRET

        replace = encode = strip = split = __getitem__  # type: ignore[assignment]

    def fail() -> None:
        raise Mute(lambda: Evil("it broke here"))

    assert SECRET not in report_of(fail).text


def test_a_long_text_is_cut_and_only_its_beginning_is_read() -> None:
    def fail() -> None:
        raise ValueError("it is too long: " + "x " * 50_000_000)

    told = report_of(fail)
    assert told.text == f"it is too long: {MASK}"
    assert len(told.text) <= MAX_TEXT_CHARACTERS


def test_a_class_that_was_made_from_a_value_is_told_by_its_base() -> None:
    def fail() -> None:
        raise type(SECRET, (LookupError,), {"__qualname__": SECRET, "text": SECRET})(SECRET)

    told = report_of(fail)
    assert told.error_class == "builtins.LookupError"
    assert SECRET not in str(told)


def test_a_class_that_was_put_into_its_module_is_told_by_its_base(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(SECRET, (LookupError,), {"__module__": __name__})
    monkeypatch.setitem(globals(), SECRET, kind)

    def fail() -> None:
        raise kind

    assert report_of(fail).error_class == "builtins.LookupError"


@pytest.mark.parametrize("filename", [SECRET, __file__, "<string>"])
def test_code_that_was_made_from_a_value_shows_nothing_of_it(filename: str) -> None:
    """Case A6: neither the constants of such code, nor its names."""
    source = f"def Maria_Lopez():\n    Maria_Lopez = {SECRET!r}\n    raise ValueError({SECRET!r} + ' is not there')\n"
    scope: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, filename, "exec"), scope)  # noqa: S102

    told = report_of(scope["Maria_Lopez"])
    assert "Maria" not in str(told)
    assert "Lopez" not in str(told)


def test_a_cause_is_told_before_its_error_and_without_texts() -> None:
    def read() -> None:
        raise KeyError("Maria")

    def fail() -> None:
        try:
            read()
        except KeyError as error:
            error.add_note("Maria")
            raise ValueError("Lopez") from error

    frames = report_of(fail).frames

    assert (
        frames.index("builtins.KeyError") < frames.index("which led to") < frames.index("builtins.ValueError")
    )
    assert "in read" in frames
    assert "Maria" not in frames
    assert "Lopez" not in frames


def test_a_hidden_context_is_not_reported() -> None:
    def fail() -> None:
        try:
            EMPTY["Maria"]
        except KeyError:
            raise ValueError("Lopez") from None

    assert "KeyError" not in report_of(fail).frames


def test_causes_that_go_round_in_a_circle_end() -> None:
    def fail() -> None:
        first, second = KeyError(), ValueError()
        first.__cause__, second.__cause__ = second, first
        raise first

    assert report_of(fail).frames.count("which led to") == 1


def test_a_network_error_names_its_reason() -> None:
    def fail() -> None:
        with socket.socket() as nowhere:
            nowhere.bind(("127.0.0.1", 0))
            urllib.request.urlopen(f"http://127.0.0.1:{nowhere.getsockname()[1]}/{value()}".replace(" ", ""))  # noqa: S310

    told = report_of(fail)
    assert told.error_class == "urllib.error.URLError"
    assert "Maria" not in str(told)
    assert "Connection refused" in told.text


def test_what_cannot_be_described_is_a_failure_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr(report, "describe", broken)
    assert capture(ValueError()).report.text == UNREADABLE_TEXT
