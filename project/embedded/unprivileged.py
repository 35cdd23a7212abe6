"""Running a server as `nobody`, for programs that refuse to run as root."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypedDict

from project.embedded.errors import EmbeddedServerError
from project.embedded.process import Account

_NAME = "nobody"


class PopenArguments(TypedDict, total=False):
    """The part of `subprocess.run`'s arguments that says who runs."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Unprivileged:
    """The account `nobody`, and what it can reach."""

    account: Account

    @classmethod
    def when_root(cls) -> Self | None:
        """None when we are not root. Raises EmbeddedServerError where there is no `nobody`."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(_NAME)
        except KeyError:
            raise EmbeddedServerError(
                f"There is no account {_NAME!r}. Run as another user than root."
            ) from None
        return cls(Account(entry.pw_uid, entry.pw_gid))

    def popen_arguments(self) -> PopenArguments:
        """For `subprocess.run`."""
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether every folder down to `path` lets others through."""
        path = path.resolve()
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))

    def temporary_root(self) -> Path:
        """The first temporary folder that `nobody` can reach."""
        candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108  for mkdtemp
        for candidate in candidates:
            if candidate.is_dir() and self.can_reach(candidate):
                return candidate
        raise EmbeddedServerError(
            f"{_NAME} can reach none of {', '.join(map(str, candidates))}. Set TMPDIR to a folder it can."
        )

    def own(self, directory: Path) -> None:
        """Give `directory` to the account. Raises EmbeddedServerError when it could not get there."""
        if not self.can_reach(directory.parent):
            raise EmbeddedServerError(
                f"{_NAME} cannot reach {directory}. Choose one whose parents everybody may pass."
            )
        os.chown(directory, self.account.uid, self.account.gid)
