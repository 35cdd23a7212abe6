"""Work that other apps do on the side. They register it here, and the core does not know them.

Chores run in pollers and ingesters every few seconds, with the queues that such a process may ask
about, and in whoever has just looked for due rows: once a second in all, and with no queue. So they
come often, from several processes at once, and decide themselves whether it is time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from passport_events.instrumentation import Notification, emit

PeriodicTask = Callable[[Collection[str]], None]
"""Is given the URLs of the SQS queues that this process has rights to; often none."""

_tasks: dict[str, PeriodicTask] = {}
_failing: set[str] = set()


def register(name: str, chore: PeriodicTask) -> None:
    """Run `chore` from now on. Its name is what an error of it is announced under."""
    _tasks[name] = chore


def run(queue_urls: Collection[str] = ()) -> None:
    """Run all, in turn. One that fails is announced, and never stops the work beside it."""
    for name, chore in list(_tasks.items()):
        try:
            chore(queue_urls)
        except Exception as error:  # noqa: BLE001  # a chore must not be able to fail the work
            _failing.add(name)
            emit(Notification.STATE_CHANGED, what=name, state="away", reason=type(error).__name__)
        else:
            if name in _failing:
                _failing.discard(name)
                emit(Notification.STATE_CHANGED, what=name, state="here")
