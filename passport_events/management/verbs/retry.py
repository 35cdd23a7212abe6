"""`passport retry`, `discard` and `restore`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import (
    add_selection,
    build_exact_selection,
    build_selection,
    require_reason,
)
from passport_events.management.verbs.run_operation import add_run_flags, run_operation
from passport_events.models import Status
from passport_events.models.status import FAILED
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import DISCARD, RESTORE, RETRY, RETRY_NOW, TEST_RETRY
from passport_events.operating.selection import MAX_COUNTED, count


def _add_retry_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--now", action="store_true", help="messages that wait for their next attempt")
    which.add_argument("--test", action="store_true", help="test retry: only the newest message that matches")
    add_selection(parser, (*FAILED, Status.WAITING), with_ids=True)
    parser.add_argument("--preview", action="store_true", help="count the messages, and change nothing")
    add_run_flags(parser)


def _retry(out: OutputWrapper, options: dict[str, Any]) -> int:
    if options["test"]:
        return _retry_newest(out, options)
    operation, status = (RETRY_NOW, Status.WAITING) if options["now"] else (RETRY, Status.DEAD)
    selection = build_exact_selection(options, (status,), operation.label.lower())
    if options["preview"]:
        found = count(operation.filter_eligible(selection.bounded()))
        is_capped = found >= MAX_COUNTED
        if options["json"]:
            out.write(json.dumps({"messages": found, "is_capped": is_capped}))
        else:
            out.write(f"retry: {found}{' or more' if is_capped else ''} messages match. Nothing was changed.")
        return DONE if found else TROUBLE
    require_reason(options)
    return run_operation(out, operation, selection, options, "retry")


def _retry_newest(out: OutputWrapper, options: dict[str, Any]) -> int:
    if options["ids"]:
        raise OperationRefused("A test retry takes filters, no ids.")
    selection = build_selection(options, (Status.DEAD,))
    TEST_RETRY.check_selection(selection)
    require_reason(options)
    message = runner.retry_newest(selection, Actor.from_command(), options["reason"])
    out.write("retry: 0 requeued" if message is None else f"retry: {message} requeued as a test")
    return TROUBLE if message is None else DONE


def _add_discard_arguments(parser: ArgumentParser) -> None:
    add_selection(parser, FAILED, with_ids=True)
    add_run_flags(parser)


def _discard(out: OutputWrapper, options: dict[str, Any]) -> int:
    selection = build_exact_selection(options, (Status.DEAD,), "discard")
    require_reason(options)
    return run_operation(out, DISCARD, selection, options, "discard")


def _add_restore_arguments(parser: ArgumentParser) -> None:
    add_selection(parser, (Status.DISCARDED,), with_ids=True)
    add_run_flags(parser, reason="recorded in the audit log")


def _restore(out: OutputWrapper, options: dict[str, Any]) -> int:
    selection = build_exact_selection(options, (Status.DISCARDED,), "restore")
    return run_operation(out, RESTORE, selection, options, "restore")


VERBS = (
    Verb(
        "retry",
        "Requeue dead messages with all attempts; or with --now, let messages that wait for their next "
        "attempt have it at once, at no cost in attempts. Paused messages stay paused.",
        'manage.py passport retry --group 9f86d081 --reason "fixed in release 41"',
        _add_retry_arguments,
        _retry,
    ),
    Verb(
        "discard",
        "Discard failed messages: they are not handled, and can be restored until they are purged.",
        'manage.py passport discard 4711 --reason "test data"',
        _add_discard_arguments,
        _discard,
    ),
    Verb(
        "restore",
        "Undo a discard: messages become dead or quarantined again.",
        "manage.py passport restore 4711",
        _add_restore_arguments,
        _restore,
    ),
)
