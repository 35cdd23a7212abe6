"""The stub's process: `python -m benchmarks.throughput.stub PORT`. 127.0.0.1 only."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

from benchmarks.throughput.stub.api import Api
from benchmarks.throughput.stub.http import Connection

HOST = "127.0.0.1"


class Control:
    """What the harness asks for: paths below /control, no part of SQS."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def __call__(self, path: str, body: bytes) -> dict[str, object]:
        """Do what the last part of the path says, to the queue before it."""
        _, _, name, verb = path.split("/")
        if verb == "stats":
            return self._stats(name)
        if verb == "hold":
            self._api.queues.pop(name, None)
            self._api.queue(name).is_held = True
        elif verb == "load":
            self._api.queue(name).send_all(json.loads(body))
        elif verb == "send":
            self._api.queue(name).send_all(json.loads(body))
            self._api.wake()
        elif verb == "close":
            self._api.queue(name).is_closed = True
            self._api.wake()
        elif verb == "release":
            self._api.queue(name).is_held = False
            self._api.wake()
        return {"at": time.time()}

    def _stats(self, name: str) -> dict[str, object]:
        queue = self._api.queue(name)
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "requests": dict(self._api.requests),
            "delivered": self._api.delivered,
            "waiting": self._api.waiting,
            "left": queue.visible + queue.in_flight,
            "cpu_seconds": used.ru_utime + used.ru_stime,
        }


async def serve(port: int) -> None:
    """Listen until the process ends."""
    api = Api(f"http://{HOST}:{port}")
    control = Control(api)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(api, control), HOST, port)
    await server.serve_forever()


def main(port: int) -> None:
    """Serve on uvloop where it is installed: then the stub costs about a third."""
    try:
        import uvloop  # noqa: PLC0415  # not where only the tests' requirements are
    except ModuleNotFoundError:
        asyncio.run(serve(port))
    else:
        uvloop.run(serve(port))


if __name__ == "__main__":
    main(int(sys.argv[1]))
