"""A handler that does what the event's `Name` says."""

from __future__ import annotations

import os
import signal
import time

from django.contrib.auth.models import Group
from django.db import connection

from passport_events import Event, handles
from passport_events.models import SalesforceRecord


def cut_connection(event: Event) -> None:
    """End our own backend, outside any transaction, if so told."""
    if event.fields["Name"] == "cut":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@handles("opportunity", prepare=cut_connection)
def obey(event: Event, record: SalesforceRecord) -> None:
    """Leave a row that says what was done, unless this process has to die."""
    done = event.fields["Name"]
    if done == "poison":
        os._exit(1)
    if done == "half":
        Group.objects.create(name=f"half {event.attempt} {os.getpid()}")
        os.kill(os.getpid(), signal.SIGKILL)
    if done == "slow":
        time.sleep(3)
    if done == "backend":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            done = f"backend {cursor.fetchone()[0]}"
    Group.objects.create(name=done)
