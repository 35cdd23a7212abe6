"""The function that RQ runs. Its name is in Redis: after a rename, keep the old name for one release."""

from __future__ import annotations

from django.db import Error
from rq.timeouts import JobTimeoutException

from passport_events.dispatching import dispatcher, hints
from passport_events.exceptions import JobFailed
from passport_events.handling.error_report.report import capture
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification, emit
from passport_events.process_interrupts import is_interrupt


def work_on_queue(queue_name: str, sender: str = "") -> None:
    """Process a hint of the installation `sender`: run what is due for this RQ queue.

    If the database is unavailable or read-only, the job ends without an error: the rows stay due, and the
    dispatcher sends hints again. RQ writes the text of any other error and of its causes to Redis and to its
    log, so the error that is raised here has no values of events and no cause.

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
