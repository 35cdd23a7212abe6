"""`rqworker` whose heartbeats come every second instead of every twenty."""

from __future__ import annotations

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    import django

    django.setup()
    from passport_events.handling import rq_worker

    rq_worker.IDLE_HEARTBEAT_SECONDS = rq_worker.MONITORING_SECONDS = 1
    execute_from_command_line(["manage.py", "rqworker", *sys.argv[1:]])
