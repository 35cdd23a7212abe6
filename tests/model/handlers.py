"""The project's side: handlers that do what the example says, and a ledger of what they did."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import Group

from passport_events import Discard, Event, Reject, RetryLater, handles
from passport_events.handling import registry
from passport_events.models import SalesforceRecord
from tests.model.salesforce import Place, place_of

DISCARDED = "of no interest"


def fail(event: Event) -> None:
    """A bug, or something that is away."""
    raise ValueError("the model says so")


def put_off(event: Event) -> None:
    """Something that is away, and the handler knows."""
    raise RetryLater(timedelta(hours=1))


def reject(event: Event) -> None:
    """It can never succeed."""
    raise Reject("the model says so")


def discard(event: Event) -> None:
    """Nobody wants it."""
    # The literal, because an error text keeps those of the code that raised it, and no variables.
    raise Discard("of no interest")


def break_the_transaction(event: Event) -> None:
    """A statement that fails, and whose error the handler lets out."""
    Group.objects.create(name=Group.objects.latest("pk").name)


OUTCOMES: dict[str, Callable[[Event], None]] = {
    each.__name__: each for each in (fail, put_off, reject, discard, break_the_transaction)
}


@dataclasses.dataclass
class Script:
    """How the calls of an event's handler end, one after the other; then they succeed."""

    calls: dict[Place, list[str]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    said: dict[Place, Counter[str]] = dataclasses.field(default_factory=lambda: defaultdict(Counter))
    """What was said so far, also by attempts that were rolled back."""
    is_healed: bool = False
    within: Callable[[Event, SalesforceRecord], None] = lambda event, record: None
    """Called in every effect transaction."""
    before: Callable[[], None] = lambda: None
    """Called in every `prepare`."""
    _numbers: itertools.count[int] = dataclasses.field(default_factory=itertools.count)

    def register(self, *, shares: bool = False) -> None:
        """Make the handlers: of opportunities for every event, of attachments for the latest only.

        That of opportunities may share its transaction; then it prepares nothing.
        """

        def prepare(event: Event) -> None:
            self.before()

        def handler(event: Event, record: SalesforceRecord) -> None:
            self.within(event, record)
            # No unique name: that an effect comes twice must be possible.
            Group.objects.create(name=f"{event.idempotency_key} {next(self._numbers)}")
            left = self.calls[place_of(event)]
            if left and not self.is_healed:
                outcome = left.pop(0)
                self.said[place_of(event)][outcome] += 1
                OUTCOMES[outcome](event)

        registry._handlers.clear()  # those of the example before
        handles("opportunity", prepare=None if shares else prepare, shares_transaction=shares)(handler)
        handles("attachment", prepare=prepare, latest_only=True)(handler)


def ledger() -> Counter[str]:
    """How often each event has had its effect, by idempotency key."""
    return Counter(name.split(" ")[0] for name in Group.objects.values_list("name", flat=True))
