"""fanferro with Django's ORM in threads. Needs Python 3.12.

In two threads: the ORM blocks, and called in the event loop it would open a connection per message.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import django
import fanferro

from benchmarks.throughput.peers import place
from benchmarks.throughput.peers.change import read_message

THREADS = 2


def main() -> None:
    """Consume until ended."""
    django.setup()
    from benchmarks.throughput.peers import with_orm  # noqa: PLC0415  # after setup

    threads = ThreadPoolExecutor(THREADS)
    client = fanferro.Client(region=place.REGION, endpoint_url=place.ENDPOINT_URL)
    events = client.queue(url=place.QUEUE_URL, provisioning=fanferro.Provisioning.assume())
    consumer = client.consumer(events, concurrency=20, visibility_timeout=30, heartbeat=False)

    @consumer.default
    async def handle(message: fanferro.Message[bytes]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(threads, lambda: with_orm.apply(read_message(message.body.decode())))

    async def run() -> None:
        async with client:
            await client.run()

    asyncio.run(run())


if __name__ == "__main__":
    main()
