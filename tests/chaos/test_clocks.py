"""A process whose clock somebody else sets."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import clocks

TELL = """
import sys
from datetime import UTC, datetime  # imported before the clock is patched, as Django's is
from tests.chaos import clocks
clocks.follow(sys.argv[1])
import logging, os, time
for line in sys.stdin:
    if line == "fork\\n" and os.fork():
        os.wait()
        break
    times = (
        time.time(), time.time_ns() / 1e9, datetime.now().timestamp(), datetime.now(UTC).timestamp(),
        datetime.utcnow().replace(tzinfo=UTC).timestamp(),
        logging.LogRecord("", 0, "", 0, "", None, None).created,
    )
    print(*(round(t) for t in times), isinstance(datetime.now(), datetime), time.monotonic(), flush=True)
"""


def test_every_way_to_ask_for_the_time_is_wrong_by_as_much_also_in_forks(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", TELL, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for error in (0, 600, -600):
            if error:
                assert clocks.set_wrong(tmp_path, process.pid, error)
            for how in ("ask\n", "ask\n") if error != -600 else ("fork\n",):
                process.stdin.write(how)
                process.stdin.flush()
                *times, is_datetime, _ = process.stdout.readline().split()
                now = datetime.now(UTC).timestamp()
                assert len(times) == 6
                assert all(abs(int(told) - now - error) < 60 for told in times)
                assert is_datetime == "True"
        process.stdin.close()


def test_a_process_that_follows_no_clock_cannot_be_set(tmp_path: Path) -> None:
    assert not clocks.set_wrong(tmp_path, 1, 600)
