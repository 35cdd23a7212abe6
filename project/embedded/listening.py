"""Which sockets of a process can be reached from other machines. Linux only: elsewhere none is found."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_RECEIVING_STATE = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""TCP's LISTEN, and an unconnected UDP socket, in the tables of /proc/net."""
_WORD_DIGITS = 8
"""/proc/net writes an address as 32-bit words in the byte order of the machine, in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that takes connections or datagrams."""

    protocol: str
    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """True when no other machine can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port}"


def find_listeners(pid: int) -> list[Listener]:
    """Return the sockets on which a process and its descendants can be reached."""
    if sys.platform != "linux":
        return []
    inodes = {inode for each in _process_tree(pid) for inode in _socket_inodes(each)}
    return [
        listener
        for protocol in _RECEIVING_STATE
        for inode, listener in _read_table(protocol)
        if inode in inodes
    ]


def _process_tree(root: int) -> list[int]:
    parents = {}
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            # The second field, the program's name in parentheses, may itself hold spaces and parentheses.
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    tree = [root]
    for pid in tree:  # grows while it is read
        tree += [child for child, parent in parents.items() if parent == pid]
    return tree


def _socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                if found := re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink())):
                    yield found[1]


def _read_table(protocol: str) -> Iterator[tuple[str, Listener]]:
    table = _PROC / "net" / protocol
    if not table.exists():  # a kernel without IPv6
        return
    for line in table.read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == _RECEIVING_STATE[protocol]:
            address, port = columns[1].split(":")
            yield columns[9], Listener(protocol, _parse_address(address), int(port, 16))


def _parse_address(digits: str) -> str:
    words = [digits[start : start + _WORD_DIGITS] for start in range(0, len(digits), _WORD_DIGITS)]
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return str(ipaddress.ip_address(packed))
