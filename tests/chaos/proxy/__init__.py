"""A TCP proxy on 127.0.0.1 that passes everything on, until it is told to do harm.

    proxy = TcpProxy("redis", valkey.port)
    proxy.start()
    with proxy.slowed(Shape(latency_seconds=0.1)):
        ...
    with proxy.trap(b"COMMIT", LoseReply()) as trap:
        trap.wait(5)

It knows of the protocols no more than where one request ends. Read `tcp` for what it can be told,
`link` for one connection, `traps` for what can happen to single requests.
"""

from tests.chaos.proxy.shape import Shape
from tests.chaos.proxy.tcp import TcpProxy
from tests.chaos.proxy.traps import Answer, CutRequest, Edit, HoldReply, HoldRequest, LoseReply, Trap

Proxy = TcpProxy

__all__ = [
    "Answer",
    "CutRequest",
    "Edit",
    "HoldReply",
    "HoldRequest",
    "LoseReply",
    "Proxy",
    "Shape",
    "TcpProxy",
    "Trap",
]
