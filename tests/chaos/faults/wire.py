"""What the pipeline says to PostgreSQL and Redis at the moments that faults are aimed at.

Parts of its statements and commands. `test_moments` fails when the pipeline begins to say something
else.
"""

from __future__ import annotations

STORE = b'INSERT INTO "passport_events_delivery"'
STORE_MESSAGES = b'INSERT INTO "passport_events_processedmessage"'
CLAIM = b'"status" = \'processing\', "lease_token"'
EFFECT = b'INSERT INTO "ledger_effect"'
FINISH = b"\"status\" = 'succeeded'"
COMMIT = b"COMMIT\0"

HINT_FLAG = b"passport:hint:"
ENQUEUE = b"RPUSH"
TAKE_HINT = b"BLPOP"
LOAD_JOB = b"HGETALL"
LOCK = b"passport:lock:"
UNLOCK = b"redis.call('DEL', key)"
TICK = b"passport:dispatcher:tick"
