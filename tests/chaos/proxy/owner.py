"""Which process a connection belongs to, as Linux tells it in /proc."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

_LINE = re.compile(
    r"\s*\d+: [0-9A-F]{8}:(?P<local>[0-9A-F]{4}) [0-9A-F]{8}:(?P<remote>[0-9A-F]{4}) (?:\S+ +){6}(?P<inode>\d+)"
)


def owner_of(client_port: int, proxy_port: int, pids: Iterable[int]) -> int | None:
    """The first of `pids` that holds the client's end of a connection to a proxy.

    None when none of them does any more. Name parents before their children: a fork inherits the
    sockets of its parent, and does not use them.
    """
    inode = _inode(client_port, proxy_port)
    if inode is None:
        return None
    return next((pid for pid in pids if _holds(pid, f"socket:[{inode}]")), None)


def _inode(local: int, remote: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        found = _LINE.match(line)
        if found and (int(found["local"], 16), int(found["remote"], 16)) == (local, remote):
            return found["inode"]
    return None


def _holds(pid: int, link: str) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) == link:
                    return True
    return False
