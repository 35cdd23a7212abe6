"""fanferro with psycopg's async connections and two statements by hand, without Django. Needs Python 3.12."""

from __future__ import annotations

import asyncio

import fanferro
import psycopg

from benchmarks.throughput.peers import place
from benchmarks.throughput.peers.change import read_message
from benchmarks.throughput.peers.statements import (
    RECORD_EVENT,
    UPSERT_RECORD,
    event_values,
    record_values,
)

CONCURRENCY = 20
CONNECTIONS = 8


async def main() -> None:
    """Consume until ended."""
    free: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await psycopg.AsyncConnection.connect(place.CONNINFO))
    one = await free.get()
    rows = await (await one.execute("SELECT salesforce_id, id FROM peers_organization")).fetchall()
    await one.commit()
    free.put_nowait(one)
    organizations: dict[str, int] = dict(rows)

    client = fanferro.Client(region=place.REGION, endpoint_url=place.ENDPOINT_URL)
    events = client.queue(url=place.QUEUE_URL, provisioning=fanferro.Provisioning.assume())
    consumer = client.consumer(events, concurrency=CONCURRENCY, visibility_timeout=30, heartbeat=False)

    @consumer.default
    async def handle(message: fanferro.Message[bytes]) -> None:
        change = read_message(message.body.decode())
        organization = organizations[change.organization]
        connection = await free.get()
        try:
            recorded = await connection.execute(RECORD_EVENT, event_values(change, organization))
            if recorded.rowcount:
                await connection.execute(UPSERT_RECORD, record_values(change, organization))
            await connection.commit()
        finally:
            free.put_nowait(connection)

    async with client:
        await client.run()


if __name__ == "__main__":
    asyncio.run(main())
