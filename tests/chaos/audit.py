"""PostgreSQL itself watches that nobody ends a message which is not his any more."""

from __future__ import annotations

from typing import Any

import psycopg

from passport_events.models import ProcessedMessage

STALE_COMPLETIONS = "chaos_stale_completions"

# A worker ends what is `processing`. Who ends a row that is waiting (somebody took it away from him)
# or has ended already (somebody was faster) has not looked at his lease. Operators may discard.
_WATCH = """
CREATE TABLE {log} (message bigint, before text, after text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION {log}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {log} (message, before, after) VALUES (NEW.id, OLD.status, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER {log} AFTER UPDATE ON {table} FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND NEW.finished_at IS DISTINCT FROM OLD.finished_at
          AND OLD.status <> 'processing' AND NEW.status <> 'discarded')
    EXECUTE FUNCTION {log}();
"""


def watch(database: psycopg.Connection[Any]) -> None:
    """Write down every such end from now on. It costs nothing as long as there is none."""
    script = _WATCH.format(log=STALE_COMPLETIONS, table=ProcessedMessage._meta.db_table)
    database.execute(script.encode())
