"""The doctor among real processes."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.crashes.world import ATTACHMENTS, ITEMS, OPPORTUNITIES, POLLER, worker
from tests.operating.stack import age
from tests.operating.test_passport_command import passport

if TYPE_CHECKING:
    from tests.crashes.world import World


def canaries(world: World, timeout: str) -> list[str]:
    """What the command says of canaries that go through the topic."""
    _, said = passport("doctor", "--topic", world.sqs.topic.arn, "--timeout", timeout, "--json")
    found = [finding["id"] for finding in json.loads(said)["findings"]]
    return [each for each in found if each[0] in "CT" and each != "T6"]


def test_the_row_of_a_poller_that_was_killed_is_no_poller(world: World) -> None:
    """Case C2."""
    world.start(*worker(OPPORTUNITIES, ATTACHMENTS, ITEMS))
    poller = world.start(*POLLER)
    assert canaries(world, "60") == ["C0"] * 3

    os.kill(poller.pid, signal.SIGKILL)
    age(timedelta(seconds=40))
    assert canaries(world, "1") == ["C2"]

    world.start(*POLLER)
    assert canaries(world, "60") == ["C0"] * 3
