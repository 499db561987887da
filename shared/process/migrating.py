"""`migrate`: brings the service's database up to date, waiting for a database that is still starting."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from shared.process.diagnosis import of_database
from shared.settings import load

if TYPE_CHECKING:
    from shared.process.runtime import Service

PAUSE_SECONDS = 0.25
_STARTING = (asyncpg.CannotConnectNowError, OSError, TimeoutError)


def migrate(
    ctx: typer.Context,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a database that does not answer yet.")] = 30.0,
) -> None:
    """Bring the database up to date; safe to run twice, at once, and again after it was killed."""
    service: Service = ctx.obj
    url = load(service.settings).database_url.get_secret_value()
    asyncio.run(_answers(url, wait))
    from shared import migrations  # noqa: PLC0415 - Alembic costs time that no other command should spend

    try:
        before, after = migrations.upgrade(service.name, url)
    except DBAPIError as error:
        raise of_database(error, url) from error
    came = f"already at {after}" if before == after else f"from {before or 'an empty database'} to {after}"
    typer.echo(f"{service.name}: {came}")


async def _answers(url: str, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            await (await Database(url).raw()).close()
        except _STARTING as error:
            if time.monotonic() >= until:
                raise of_database(error, url) from error
            await asyncio.sleep(PAUSE_SECONDS)
        except asyncpg.PostgresError as error:
            raise of_database(error, url) from error
        else:
            return
