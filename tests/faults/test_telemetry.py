"""Row T4: what operators watch goes on counting while the bus and the neighbour's database are away."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import generate_latest

from shared.upkeep import Upkeep
from tests.faults.road import proxied_postgres, road, two_databases
from tests.fixtures.postgres import NewDatabase


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
