"""What the pipeline says to its servers at the moments that faults are aimed at.

Parts of its statements and commands. `test_moments` fails when the pipeline begins to say something
else.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.proxy import sqs


@dataclass(frozen=True, slots=True)
class Words:
    """Bytes that are in a request, and the server that it goes to."""

    server: str
    text: bytes


NOTHING = Words("", b"")
"""Nobody has to have said it."""

STORE = Words("postgres", b'INSERT INTO "passport_events_delivery"')
STORE_MESSAGES = Words("postgres", b'INSERT INTO "passport_events_processedmessage"')
CLAIM = Words("postgres", b'"status" = \'processing\', "lease_token"')
EFFECT = Words("postgres", b'INSERT INTO "ledger_effect"')
FINISH = Words("postgres", b"\"status\" = 'succeeded'")
UPDATE = Words("postgres", b"UPDATE")
COMMIT = Words("postgres", b"COMMIT\0")

HINT_FLAG = Words("redis", b"passport:hint:")
ENQUEUE = Words("redis", b"RPUSH")
TAKE_HINT = Words("redis", b"BLPOP")
LOAD_JOB = Words("redis", b"HGETALL")
LOCK = Words("redis", b"passport:lock:")
UNLOCK = Words("redis", b"redis.call('DEL', key)")
TICK = Words("redis", b"passport:tick:")

DELETE = Words("sqs", sqs.DELETE)
