"""What the three services hold in memory when they have nothing to do, each in `run` mode."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from bench.ground import Ground
from bench.table import Row
from deploy.embedded.addresses import Ports
from deploy.embedded.stack import Stack
from deploy.ports import free_port

SETTLED_SECONDS = 10


async def measure(made: Ground) -> list[Row]:
    """One row: resident memory of the three together, in MB (10⁶ bytes); shared pages count for each of them."""
    names = ("partners", "initiatives", "notifications", "postgres", "smtp", "mail")
    stack = Stack(Path(made.directory) / "stack", ports=Ports(**{name: free_port() for name in names}))
    await asyncio.to_thread(stack.start)
    try:
        await asyncio.sleep(SETTLED_SECONDS)
        held = {name: _resident(stack, name) for name in ("partners", "initiatives", "notifications")}
    finally:
        await asyncio.to_thread(stack.stop)
    detail = ", ".join(f"{name} {size:.0f}" for name, size in held.items())
    return [Row("idle memory of the three services in `run` mode", sum(held.values()), 360, 300, detail, at_most=True, unit=" MB")]


def _resident(stack: Stack, name: str) -> float:
    pid = stack.children[name].pid
    assert pid is not None
    return float(psutil.Process(pid).memory_info().rss) / 1e6
