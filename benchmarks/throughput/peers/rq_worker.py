"""django-rq's worker, as `manage.py rqworker --worker-class` runs it."""

from __future__ import annotations

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    execute_from_command_line(["manage.py", "rqworker", "default", "--worker-class", sys.argv[1]])
