"""The settings of a project from a JSON file, for those who have no Django project at hand."""

from __future__ import annotations

from passport_events import conf
from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError, Unreadable
from passport_events.wire import strict_json

_NO_QUEUE = "https://127.0.0.1/none"


def settings_in(data: bytes) -> Settings:
    """The typed settings of a JSON object with keys of `PASSPORT_EVENTS`; none is required here.

    Raises ConfigurationError with every wrong key.
    """
    try:
        raw = strict_json.loads_object(data, len(data))
    except Unreadable as error:
        raise ConfigurationError(f"The settings must be one JSON object ({error}).") from error
    raw = {"QUEUE_URL": _NO_QUEUE, **raw}
    wrong = [f"{problem.key} {problem.text}. {problem.hint}" for problem in conf.problems(raw)]
    if wrong:
        raise ConfigurationError(" ".join(wrong))
    return conf.typed(raw)
