"""For `migrate` alone: no router, because the replica has no tables to read from before it ran."""

from tests.monolith.settings import *  # noqa: F403  the same settings but one

DATABASE_ROUTERS = []
