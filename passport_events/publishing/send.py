"""Sending: request by request, what failed again, and an account of every message.

A reply that gets lost leaves SNS with messages that nobody knows it has; they are sent again and
arrive twice. That is harmless: an event has the same id in both copies, and the inbox keeps one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from passport_events.backoff import compute_delay
from passport_events.exceptions import TopicUnavailable
from passport_events.publishing.account import Account
from passport_events.publishing.outgoing import Outgoing, batches
from passport_events.publishing.topic import Topic

MOST_RETRIES = 5
"""Of one request, each time with what failed in it."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
INTERRUPTED = "Interrupted"


def send(
    topic: Topic,
    messages: Sequence[Outgoing],
    progress: Callable[[Account], None],
    pause: Callable[[float], None] = time.sleep,
) -> Account:
    """Send all of them; `progress` is told after each batch, and `pause` waits for so many seconds.

    Ends early when SNS takes a request in none of its tries, and on Ctrl-C. Then what is left is
    unsent for that reason, though SNS may have taken some of the last request.
    """
    account = Account(messages)
    try:
        for batch in batches(messages):
            _send_batch(topic, batch, account, pause)
            progress(account)
    except TopicUnavailable as error:
        account.give_up(error.code, str(error))
    except KeyboardInterrupt:
        account.give_up(INTERRUPTED)
    return account


def _send_batch(
    topic: Topic, batch: Sequence[Outgoing], account: Account, pause: Callable[[float], None]
) -> None:
    """Raises TopicUnavailable when there is no use in asking for more."""
    waiting = batch
    for retries in range(MOST_RETRIES + 1):
        if retries:
            pause(compute_delay(retries, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, random.random()))
            account.retried += len(waiting)
        is_last = retries == MOST_RETRIES
        account.requests += 1
        try:
            refused = topic.publish(waiting)
        except TopicUnavailable as error:
            if is_last or error.is_final:
                raise
            continue
        waiting = account.settle(waiting, refused, is_last=is_last)
        if not waiting:
            return
