"""Who asks for something."""

from __future__ import annotations

import dataclasses
import getpass
import socket
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser

LONGEST_NAME = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """A user of the admin, or whoever runs a command."""

    name: str
    user: Any = None
    """Of whatever class AUTH_USER_MODEL names; None for a command."""

    @classmethod
    def of_user(cls, user: AbstractBaseUser) -> Self:
        """The user of a request."""
        return cls(user.get_username()[:LONGEST_NAME], user)

    @classmethod
    def of_command(cls) -> Self:
        """The account of this process. A container may have a number and no name for it."""
        try:
            account = getpass.getuser()
        except (KeyError, OSError):
            account = "unknown"
        return cls(f"{account}@{socket.gethostname()} (command)"[:LONGEST_NAME])
