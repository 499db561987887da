"""`make bench`: run every benchmark, or those named, and print the table."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

import uvloop

from bench import backlog, entitling, importing, latency, mailing, memory, rebuilding, registry, relaying, serving
from bench.ground import Ground, ground
from bench.table import Row, show
from shared.process.collecting import settle

BENCHMARKS: dict[str, Callable[[Ground], Awaitable[list[Row]]]] = {
    "relay": relaying.measure,
    "http": serving.measure,
    "latency-postgres": lambda made: latency.measure(made, "postgres"),
    "latency-kafka": lambda made: latency.measure(made, "kafka"),
    "rebuild-postgres": lambda made: rebuilding.measure(made, "postgres"),
    "rebuild-kafka": lambda made: rebuilding.measure(made, "kafka"),
    "backlog-postgres": lambda made: backlog.measure(made, "postgres"),
    "backlog-kafka": lambda made: backlog.measure(made, "kafka"),
    "mail": mailing.measure,
    "entitlements": entitling.measure,
    "memory": memory.measure,
    "registry": registry.measure,
    "importing": importing.measure,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks (all, if none is named), each on servers of its own."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with ground(kafka=name == "relay" or name.endswith("kafka")) as made:
            found = uvloop.run(_one(name, made))
        rows += found
        print(*show(found).splitlines()[2:], sep="\n", file=sys.stderr, flush=True)
    print(show(rows))


async def _one(name: str, made: Ground) -> list[Row]:
    settle()  # as every process of the product does
    async with asyncio.timeout(900):
        return await BENCHMARKS[name](made)


if __name__ == "__main__":
    main(sys.argv[1:])
