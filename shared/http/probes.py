"""What an operator's machines ask: does it live, is it ready (truthfully), and its numbers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from shared.process import Runtime

PATIENCE_SECONDS: Final = 2.0

Ask = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: whether it is well, and the words for an operator when it is not."""

    ok: bool
    words: str


def probe_routes(runtime: "Runtime") -> list[Route]:
    """The routes ``/livez``, ``/readyz`` and ``/metrics`` of a process."""

    async def live(_request: Request) -> Response:
        return _answer(200, {"status": "alive"})

    async def ready(_request: Request) -> Response:
        findings = await examine(runtime)
        well = all(finding.ok for finding in findings.values())
        checks = {name: asdict(finding) for name, finding in findings.items()}
        return _answer(200 if well else 503, {"status": "ready" if well else "not ready", "checks": checks})

    async def metrics(_request: Request) -> Response:
        numbers = runtime.telemetry.metrics
        return Response(numbers.text(), media_type=None, headers={"Content-Type": numbers.CONTENT_TYPE})

    return [Route("/livez", live), Route("/readyz", ready), Route("/metrics", metrics)]


async def examine(runtime: "Runtime") -> dict[str, Finding]:
    """Ask the database, the bus, every probe and every loop of ``runtime``, each for at most two seconds, all at once."""
    asks: dict[str, Ask] = {"database": lambda: _database(runtime), "bus": runtime.bus.check}
    asks |= {probe.name: probe.ask for probe in runtime.probes}
    found = await asyncio.gather(*(_asked(ask) for ask in asks.values()))
    findings = dict(zip(asks, found, strict=True))
    for loop in runtime.loops:
        findings[loop.name] = _finding(loop.trouble())
    return findings


async def _database(runtime: "Runtime") -> str | None:
    async with runtime.database.reader() as connection:
        await connection.execute(text("SELECT 1"))
    return None


async def _asked(ask: Ask) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return _finding(await ask())
    except TimeoutError:
        return Finding(ok=False, words=f"did not answer within {PATIENCE_SECONDS:g} seconds")
    except Exception as problem:  # noqa: BLE001 - a check that fails is the answer, whatever failed in it
        return Finding(ok=False, words=f"{type(problem).__name__}: {problem}"[:300])


def _finding(words: str | None) -> Finding:
    return Finding(ok=words is None, words=words or "well")


def _answer(status: int, members: dict[str, object]) -> Response:
    return Response(json.dumps(members, ensure_ascii=False), status, media_type="application/json")
