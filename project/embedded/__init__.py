"""Real servers from wheels, for the demo and the tests: no root, no system service, 127.0.0.1 only.

    with ValkeyServer() as valkey, PostgresServer() as postgres:
        redis.Redis.from_url(valkey.url)

A server dies with the process that started it, keeps its port and data over `kill()` and
`restart()`, and removes its directory at the end.
"""

from project.embedded.errors import EmbeddedServerError, NotLoopbackError, ServerStartError, ServerStopError
from project.embedded.loopback import LOOPBACK, require_loopback
from project.embedded.postgres import PostgresServer
from project.embedded.server import EmbeddedServer
from project.embedded.sqs_emulator import SqsEmulator
from project.embedded.valkey import ValkeyServer

__all__ = [
    "LOOPBACK",
    "EmbeddedServer",
    "EmbeddedServerError",
    "NotLoopbackError",
    "PostgresServer",
    "ServerStartError",
    "ServerStopError",
    "SqsEmulator",
    "ValkeyServer",
    "require_loopback",
]
