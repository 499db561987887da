"""Rows T3, T4 and T6: traces outlive waiting and repeats; numbers and readiness tell of an outage and of a reader that stands still."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.bus import Bus, Message, TopicPartition
from shared.consumer import Consumer
from shared.events import Envelope, PartnerRegistered, PartnerUpdated
from shared.http.probes import examine
from shared.process.runtime import Runtime
from shared.telemetry import current_trace_id, span_context
from shared.telemetry.tracetree import load_trace
from shared.telemetry.tracing import under
from shared.upkeep import Upkeep
from tests.faults.road import PATIENCE, TOPIC, Road, faster_clock, proxied_postgres, road, two_databases
from tests.fixtures.postgres import NewDatabase
from tests.shared.ledger import SilentWake, noted

TRACE = "0af7651916cd43dd8448eb211c80319c"
HOUR_MS = 3_600_000


async def test_t3_a_trace_survives_an_hour_in_the_outbox_and_three_redeliveries(
    bus: Bus, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with road(two_databases(new_database), bus, tmp_path) as made:
        made.telemetry.take_spans()
        heard = listening(made)
        await bus.ensure_topics([TOPIC])
        with under(span_context(f"00-{TRACE}-b7ad6b7169203331-01")):
            await made.write(ledgers=1, each=1)
        await change(made, "UPDATE outbox SET created_at = created_at - interval '1 hour'")
        await made.sent()
        for _ in range(3):  # the mark was lost, and another relay leads
            await made.relay.close()
            await change(made, "UPDATE outbox SET published_at = NULL")
            made.relay = made.new_relay()
            await made.sent()
        await made.arrive()
        copies = [dict(message.headers)["traceparent"].decode() for message in await made.log()]
        made.telemetry.flush()
    assert [copy.split("-")[1] for copy in copies] == [TRACE] * 4
    assert heard == [TRACE]
    spans = load_trace(tmp_path, TRACE)
    sent = [span for span in spans if span.name.startswith("send")]
    assert len(sent) == 4
    assert all(span.attributes["interurbe.outbox.waited_ms"] >= HOUR_MS for span in sent)
    assert [span.name for span in spans if span.kind == "consumer"] == [f"process {TOPIC}"]


def runtime_of(made: Road, *loops: Consumer) -> Runtime:
    """The neighbour's process, as far as probes and consumers know it."""
    rest = {"bus": made.bus, "wake": SilentWake(), "telemetry": made.telemetry, "loops": list(loops)}
    return Runtime(settings=None, database=made.neighbour, **rest)  # type: ignore[arg-type]  # neither probes nor loops read settings


def listening(made: Road) -> list[str | None]:
    """The trace under which each fact is applied, by a consumer in the place of the road's own."""
    heard: list[str | None] = []

    async def heed(session: AsyncSession, envelope: Envelope) -> None:
        heard.append(current_trace_id())
        await noted(session, envelope)

    made.consumer = Consumer("test.ledger", runtime_of(made), {PartnerRegistered: heed, PartnerUpdated: heed})
    made.consumer.patience = 0.2
    return heard


async def change(made: Road, statement: str) -> None:
    """Something in the owner's database, by hand."""
    async with made.owner.session() as session:
        await session.execute(text(statement))
        await session.commit()


async def test_t6_readiness_tells_of_a_reader_that_stands_still_and_of_its_recovery(
    bus: Bus, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with road(two_databases(new_database), bus, tmp_path) as made:
        await bus.ensure_topics([TOPIC])
        (ledger,) = await made.write(ledgers=1)
        await made.arrive()
        runtime = runtime_of(made, made.consumer)
        assert (await examine(runtime))["test.ledger"].ok
        stuck = made.consumer._subscription
        assert stuck is not None
        monkeypatch.setattr(stuck, "poll", nothing)  # its fetching is dead, and nobody says so
        await made.note(ledger)
        await made.sent()
        with faster_clock(monkeypatch, "shared.consumer") as clock:
            await made.consumer.step()
            clock.ahead += 16
            async with asyncio.timeout(PATIENCE):
                while (found := (await examine(runtime))["test.ledger"]).ok:
                    await made.consumer.step()
            assert "1 messages wait and none was applied for 1" in found.words
            clock.ahead += 16
            await made.arrive()
        assert made.consumer._subscription is not stuck
        assert (await examine(runtime))["test.ledger"].ok
    assert 'interurbe_consumer_restarts_total{consumer="test.ledger"} 1.0' in generate_latest(made.telemetry.metrics.registry).decode()


async def nothing(*, limit: int, timeout: float) -> dict[TopicPartition, list[Message]]:
    """What a dead fetch loop finds."""
    return {}


async def test_t4_the_metrics_tell_of_an_outage_while_it_lasts(new_database: NewDatabase, log_url: str, tmp_path: Path) -> None:
    async with proxied_postgres(log_url) as (proxy, bus), road(two_databases(new_database), bus, tmp_path) as made:
        await bus.ensure_topics(["interurbe.partners"])
        proxy.down()
        await made.write()
        await made.send()
        upkeep = Upkeep(made.owner, bus, made.telemetry)
        await upkeep.step()
        told = generate_latest(made.telemetry.metrics.registry).decode()
        assert "interurbe_outbox_unpublished 6.0" in told
        assert 'interurbe_relay_errors_total{reason="BusUnavailable"}' in told
        proxy.up()
        await made.arrive()
        await upkeep.step()
        assert "interurbe_outbox_unpublished 0.0" in generate_latest(made.telemetry.metrics.registry).decode()
