"""Every step of a message by name, in the order in which a message meets it. The one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passport_events.instrumentation import Notification
from tests.crashes.seams import After, AfterStatement, Announced, Before, Seam


def some(facts: Mapping[str, Any]) -> bool:
    """Whether a stage was about anything."""
    return bool(facts["count"])


POLLER: Mapping[str, Seam] = {
    "received": Announced(Notification.RECEIVED, some),
    "read, nothing stored": Before("passport_events.receiving.queries:insert"),
    "deliveries inserted": AfterStatement('INSERT INTO "passport_events_delivery"'),
    "messages inserted": AfterStatement('INSERT INTO "passport_events_processedmessage"'),
    "stored, not read back": After("passport_events.receiving.queries:insert"),
    "read back": Announced(Notification.STORED),
    "delete begins": Before("passport_events.receiving.sqs:SqsQueue.delete"),
    "deleted, answer not seen": After("passport_events.receiving.sqs:SqsQueue.delete"),
    "deleted": Announced(Notification.DELETED, some),
}
HINTS: Mapping[str, Seam] = {
    "hint begins": Before("passport_events.dispatching.hints:send"),
    "flag set, not enqueued": Before("passport_events.dispatching.hints:_enqueue"),
    "hinted": Announced(Notification.HINTED),
}
WORKER: Mapping[str, Seam] = {
    "hint taken": Before("passport_events.dispatching.hints:clear"),
    "flag cleared": After("passport_events.dispatching.hints:clear"),
    "records locked, not claimed": After("passport_events.handling.locks:RecordLocks.acquire"),
    "claimed, not committed": Announced(Notification.CLAIMED, some),
    "claim committed": After("passport_events.handling.worker:claim_batch", lambda claim: claim.messages),
    "claimed, next hint sent": Announced(Notification.HINTED),
    "stubs made": After("passport_events.handling.worker:ensure_records"),
}
HANDLER: Mapping[str, Seam] = {
    "attempt starts": Announced(Notification.STARTED),
    "in prepare": After("tests.crashes.event_handlers:read_outside"),
    "prepared, no transaction yet": Before("passport_events.handling.execute:_run_transaction"),
    "record locked": After("passport_events.handling.execute:lock_record"),
    "merged": After("passport_events.handling.execute:save_merge"),
    "in the handler": After("tests.crashes.event_handlers:note"),
    "handled, not finished": Before("passport_events.handling.attempt:Attempt.finish"),
    "finished, not committed": After("passport_events.handling.attempt:Attempt.finish"),
    "committed": Announced(Notification.SUCCEEDED),
    "record locks begin to be released": Before("passport_events.handling.locks:RecordLocks.release"),
    "worked, before the dispatcher's tick": Before("passport_events.dispatching.dispatcher:tick"),
}
FAILURE: Mapping[str, Seam] = {
    "failed, nothing written": Before("passport_events.handling.execute:record_failure"),
    "failed, waiting again": After("passport_events.handling.attempt:Attempt.retry_after"),
    "failed, attempt written": After("passport_events.handling.execute:record_failure"),
    "failure committed": Announced(Notification.RETRYING),
}
UNCLAIM: Mapping[str, Seam] = {
    "time over, nothing unclaimed": Before("passport_events.handling.worker:_unclaim"),
    "unclaimed": After("passport_events.handling.worker:_unclaim"),
}
BATCH: Mapping[str, Seam] = {
    "batch begins": Before("passport_events.handling.worker:merge_batch"),
    "batch merged, not finished": After("passport_events.handling.batch:merge_messages"),
    "batch finished, not committed": After("passport_events.models.querysets:MessageQuerySet.finish"),
    "batch committed": After("passport_events.handling.worker:merge_batch"),
}
SHARED: Mapping[str, Seam] = {
    "shared, merged": After("passport_events.handling.batch_transaction:merge_messages"),
    "shared, in a handler": HANDLER["in the handler"],
    "shared, handled, not finished": Before("passport_events.handling.batch_transaction:finish_batch"),
    "shared, finished, not committed": After("passport_events.handling.batch_transaction:finish_batch"),
    "shared, committed": After("passport_events.handling.worker:run_batch"),
}
POINTER: Mapping[str, Seam] = {
    "pointer fetched, nothing stored": After("passport_events.receiving.payloads:fetch"),
    "payload stored, pointer not finished": After("passport_events.receiving.payloads:store"),
    "finished, not committed": HANDLER["finished, not committed"],
    "committed": HANDLER["committed"],
}
CRASH: Mapping[str, Seam] = {
    "crash noticed": Announced(Notification.CRASHED),
    "crash recovered, not committed": After("passport_events.handling.claim:recover_expired_leases"),
}
DISPATCHER: Mapping[str, Seam] = {
    "due rows found": Before("passport_events.dispatching.hints:send"),
}
OPERATOR: Mapping[str, Seam] = {
    "written down, not changed": Before("passport_events.operating.operations:Operation.apply"),
    "changed, not committed": After("passport_events.operating.operations:Operation.apply"),
    "erased, not in the journal": Before("passport_events.operating.audit_log:record_operation"),
    "in the journal, not committed": After("passport_events.operating.audit_log:record_operation"),
    "control ended, not committed": After("passport_events.operating.flow_operations:_end_controls"),
    "control begun, not committed": After("passport_events.operating.flow_operations:_begin_control"),
    "action asked for, not committed": After("passport_events.operating.audit_log:add_entry"),
    "step taken, not committed": After("passport_events.models.operator_action:OperatorActionQuerySet.step"),
    "operated": Announced(Notification.OPERATED),
}

LOOPS: Mapping[str, Seam] = {
    # The chores ask the same SQS how full the queue is, and may come first.
    "connecting to SQS": Before("urllib3.util.connection:create_connection", thread="receiver-0"),
    "before the sign of life": Before("passport_events.processes.heartbeat:ProcessHeartbeat.beat"),
    "before the dispatcher's look": Before("passport_events.dispatching.dispatcher:dispatch"),
    "in the watch": Before("passport_events.processes.threads:ThreadGroup._check"),
    "long poll begins": Before("passport_events.receiving.sqs:SqsQueue.receive"),
}
TOLD_TO_STOP = (
    After("passport_events.processes.threads:ThreadGroup.stop"),
    After("passport_events.handling.worker:request_stop"),
)

STEPS: Mapping[str, Seam] = {
    **POLLER,
    **HINTS,
    **WORKER,
    **HANDLER,
    **FAILURE,
    **UNCLAIM,
    **BATCH,
    **SHARED,
    **POINTER,
    **CRASH,
    **DISPATCHER,
    **OPERATOR,
    **LOOPS,
}
