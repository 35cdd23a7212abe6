"""Become a server that dies with the process that asked for it. Linux only.

`python -I -S launch.py PARENT_PID DEATH_SIGNAL UID GID COMMAND...`; UID -1 keeps the account.
A program of its own and not a `preexec_fn`, because that runs Python between fork and exec, which
can deadlock in a process with threads. The process keeps its pid: it execs the command.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Change the account, ask for the signal, and exec. Does not return."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, which clears it.
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    os.execv(command[0], command)  # noqa: S606  no shell is the point


if __name__ == "__main__":
    _parent, _signal, _uid, _gid = map(int, sys.argv[1:5])
    main(_parent, _signal, _uid, _gid, sys.argv[5:])
