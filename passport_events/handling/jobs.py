"""The function that RQ runs. Its name is stored in Redis: keep it for a release after changing it."""

from __future__ import annotations

from django.db import Error
from rq.timeouts import JobTimeoutException

from passport_events.dispatching import dispatcher, hints
from passport_events.exceptions import JobFailed
from passport_events.handling.error_report.report import capture
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification, emit
from passport_events.interrupts import is_interrupt


def work_on_queue(queue_name: str, sender: str = "") -> None:
    """Answer a hint of the installation `sender`: handle what is due for this RQ queue.

    A database that is away, or takes no writes, ends the job without an error: the rows stay due,
    and the dispatcher hints again when it is back. RQ stores the text of any other error, and those of
    its causes, in Redis and in its log: so what leaves here has no value in it and no cause.

    Raises JobFailed, or RQ's own JobTimeoutException.
    """
    hints.clear(queue_name, sender)
    try:
        work(queue_name)
        dispatcher.tick()
    except Error as error:
        emit(Notification.STATE_CHANGED, what="database", state="away", reason=type(error).__name__)
    except BaseException as error:
        if is_interrupt(error):
            raise error from None
        report = capture(error).report
        text = " ".join(f"{report.error_class}: {report.text}".split())
        raise (JobTimeoutException if is_job_timeout(error) else JobFailed)(text) from None
    else:
        emit(Notification.STATE_CHANGED, what="database", state="here")
