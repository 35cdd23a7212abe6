"""The sessions of the pipeline, as PostgreSQL lists them."""

from __future__ import annotations

TAKEN = "taken by a fault"
"""What a fault calls its own sessions."""
BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() AND application_name <> 'taken by a fault'"
)
TERMINATE = f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS others"  # noqa: S608  a constant
