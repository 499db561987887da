"""Partners that an older release indexed are found in the ways of this one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sqlalchemy import text

from tests.partners.conftest import PartnersService

_KEPT = text("SELECT id, version, folded, grams FROM partner ORDER BY id")


async def kept(service: PartnersService) -> list[Any]:
    async with service.runtime.database.reader() as reader:
        return [tuple(row) for row in await reader.execute(_KEPT)]


async def test_every_partner_is_indexed_anew_as_if_it_were_registered_now(service: PartnersService) -> None:
    names = ["Caracas D.C.", "Kota Bharu", "St. Étienne", "R.A.M.C.C.", "Ruta N"]
    for name in names:
        key = {"scheme": "dane", "value": name[:3]}
        await service.register("city", names={"es": name}, locality="Lviv", acronym="ABCD", identifiers=[key], force=True)
    as_registered = await kept(service)
    async with service.runtime.database.session() as session:
        await session.execute(text("UPDATE partner SET folded = '{}', grams = '{}'"))
    async with service.runtime.database.session() as session:
        migration = import_module("services.partners.migrations.versions.0012_names")
        await (await session.connection()).run_sync(migration.index_anew, 2)
    assert len(as_registered) == len(names)
    assert await kept(service) == as_registered
