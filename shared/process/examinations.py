"""The questions doctor asks of every service; each says what it found, or what is wrong and how to mend it."""

import asyncio
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from shared.process.checks import Check, Trouble
from shared.process.diagnosis import of_database, where

if TYPE_CHECKING:
    from shared.process.runtime import Runtime, Service

NEEDED = ("alembic", "asyncpg", "fastapi", "httptools", "httpx", "joserfc", "opentelemetry.sdk", "sqlalchemy", "uvicorn", "uvloop")
PATIENCE_SECONDS = 5.0
LEAST_FREE_BYTES = 200 * 1024 * 1024
LARGEST_SKEW_SECONDS = 5.0

_ROLE = "SELECT rolname, rolsuper OR rolcreaterole OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = current_user"


def examinations(service: "Service", runtime: "Runtime") -> list[Check]:
    """What to ask, in order; the service's own questions come last."""
    usual = [
        Check("python", _python),
        Check("database", partial(_database, runtime)),
        Check("role", partial(_role, runtime), needs=("database",)),
        Check("migrations", partial(_migrations, service.name, runtime), needs=("database",)),
        Check("bus", partial(_bus, runtime)),
        Check("topics", partial(_topics, service, runtime), needs=("bus",)),
        Check("issuer", partial(_issuer, runtime)),
        Check("traces", partial(_traces, runtime)),
    ]
    return usual + service.checks(runtime)


async def _python() -> str:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Trouble(f"not installed: {', '.join(missing)}", "pip install --require-hashes -r requirements.lock")
    return f"Python {sys.version.split()[0]} with everything it needs"


def _url(runtime: "Runtime") -> str:
    return runtime.settings.database_url.get_secret_value()


async def _database(runtime: "Runtime") -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            connection = await runtime.database.raw()
            version = await connection.fetchval("SHOW server_version")
            skew = abs(float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())")) - _now())
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise of_database(error, _url(runtime)) from None
    if skew > LARGEST_SKEW_SECONDS:
        raise Trouble(f"its clock and this machine's are {skew:.0f} s apart", "Have both follow a time server.")
    return f"{where(_url(runtime))} answers, PostgreSQL {version.split()[0]}"


def _now() -> float:
    from time import time  # noqa: PLC0415 - the one place that looks at the clock

    return time()


async def _role(runtime: "Runtime") -> str:
    connection = await runtime.database.raw()
    row = await connection.fetchrow(_ROLE)
    await connection.close()
    if row is not None and row["mighty"]:
        fix = "Give the service a role of its own: CREATE ROLE … LOGIN NOSUPERUSER NOCREATEROLE, owner of its database."
        raise Trouble(f"the role {row['rolname']} may do anything in this server", fix)
    return f"{row['rolname'] if row else '?'} has no more rights than it needs"


async def _migrations(service: str, runtime: "Runtime") -> str:
    from shared import migrations  # noqa: PLC0415 - Alembic is heavy

    newest = await asyncio.to_thread(migrations.head, service)
    at = await asyncio.to_thread(migrations.current, _url(runtime))
    if at != newest:
        raise Trouble(f"the database is at {at or 'nothing'}, the newest is {newest}", f"python -m services.{service} migrate")
    return f"at {at}, the newest"


async def _bus(runtime: "Runtime") -> str:
    wrong = await runtime.bus.check()
    if wrong is not None:
        raise Trouble(wrong, "Facts wait in the outbox until it is back; none is lost.")
    return f"{runtime.telemetry.bus_system} answers"


async def _topics(service: "Service", runtime: "Runtime") -> str:
    topics = sorted({*service.topics, *(topic for loop in runtime.loops for topic in getattr(loop, "topics", ()))})
    await runtime.bus.ensure_topics(topics)
    return f"{', '.join(topics)} {'is' if len(topics) == 1 else 'are'} there"


async def _issuer(runtime: "Runtime") -> str:
    settings = runtime.settings
    if settings.issuer == settings.public_url:
        return f"this service issues the tokens itself, as {settings.issuer}"
    import httpx  # noqa: PLC0415 - only doctor and remote keys ask over HTTP

    fix = "Start the partners service, or correct INTERURBE_ISSUER; until then nobody new is recognised here."
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            metadata = (await client.get(f"{settings.issuer}/.well-known/oauth-authorization-server")).raise_for_status().json()
            keys = (await client.get(metadata["jwks_uri"])).raise_for_status().json()["keys"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{settings.issuer} does not publish its keys ({type(error).__name__}: {error})", fix) from None
    if not keys:
        raise Trouble(f"{settings.issuer} publishes an empty key set", fix)
    return f"{settings.issuer} publishes {len(keys)} key{'s' if len(keys) > 1 else ''}"


async def _traces(runtime: "Runtime") -> str:
    endpoint = runtime.settings.otlp_endpoint
    return _folder(runtime.settings.traces_dir) if endpoint is None else await _collector(endpoint)


async def _collector(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
            writer.close()
    except (OSError, TimeoutError):
        raise Trouble(f"nothing listens on {endpoint}", "Start the collector, or unset INTERURBE_OTLP_ENDPOINT to write files.") from None
    return f"the collector at {endpoint} answers"


def _folder(folder: Path) -> str:
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    free = disk_usage(there).free
    if free < LEAST_FREE_BYTES:
        raise Trouble(f"only {free // 1024 // 1024} MB are free under {there}", "Make room: logs, spans and data share this disk.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        fix = "Correct its rights, or name another in INTERURBE_TRACES_DIR."
        raise Trouble(f"{folder} cannot be written ({error.strerror})", fix) from None
    return f"{folder} can be written, {free // 1024 // 1024 // 1024} GB are free"
