"""The function that RQ runs. Its name is stored in Redis: keep it for a release after changing it."""

from __future__ import annotations

from django.db import Error

from passport_events.handling import dispatcher, hints
from passport_events.handling.worker import work
from passport_events.stages import Stage, announce


def work_on_queue(queue_name: str, sender: str = "") -> None:
    """Answer a hint of the installation `sender`: handle what is due for this RQ queue.

    A database that is away, or takes no writes, ends the job without an error: the rows stay due,
    and the dispatcher hints again when it is back.
    """
    hints.clear(queue_name, sender)
    try:
        work(queue_name)
        dispatcher.tick()
    except Error as error:
        announce(Stage.STATE_CHANGED, what="database", state="away", reason=type(error).__name__)
    else:
        announce(Stage.STATE_CHANGED, what="database", state="here")
