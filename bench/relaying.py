"""The relay with 20,000 facts waiting, against raw aiokafka sending the same bytes (idempotent, acks=all)."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaProducer

from bench.ground import Ground, bus_of, database_of, fill_outbox, runtime
from bench.table import Pair, Row
from shared.bus import Bus, Record
from shared.db import Database
from shared.outgoing import as_record
from shared.relay import Relay

FACTS = 20_000


async def measure(made: Ground) -> list[Row]:
    """One row; three runs of each, in turns."""
    async with database_of(made, "partners") as database, bus_of(made, "kafka") as bus:
        await fill_outbox(database, FACTS, subjects=2_000)
        records = await _all_records(database)
        assert made.broker is not None
        address = made.broker.bootstrap
        pair = Pair(ours=lambda: _relay(made, database, bus), bare=lambda: _raw(address, records))
        ratio, detail = await pair.ratio()
    return [Row(f"relay, backlog of {FACTS:,} events, to Kafka", ratio, 0.5, 0.7, detail)]


async def _all_records(database: Database) -> list[Record]:
    connection = await database.raw()
    rows = await connection.fetch("SELECT topic, key, headers, payload FROM outbox ORDER BY seq")
    await connection.close()
    return [record for record in map(as_record, rows) if isinstance(record, Record)]


async def _relay(made: Ground, database: Database, bus: Bus) -> float:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE outbox SET published_at = NULL")
    async with database.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).exec_driver_sql("VACUUM ANALYZE outbox")
    relay = Relay(database, bus, runtime(made.directory, database, bus).telemetry)
    done, began = 0, time.perf_counter()
    while done < FACTS:
        done += await relay.step()
    rate = done / (time.perf_counter() - began)
    await relay.close()
    return rate


async def _raw(address: str, records: list[Record]) -> float:
    producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True, acks="all", linger_ms=5, max_batch_size=128 * 1024)
    await producer.start()
    began = time.perf_counter()
    for start in range(0, len(records), 1000):
        chunk = records[start : start + 1000]
        futures = [await producer.send(one.topic, one.value, one.key, headers=one.headers) for one in chunk]
        await asyncio.gather(*futures)
    rate = len(records) / (time.perf_counter() - began)
    await producer.stop()
    return rate
