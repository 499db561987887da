"""Partners that an older release indexed are found in the ways of this one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sqlalchemy import text

from tests.partners.conftest import PartnersService

C4IR: dict[str, Any] = {"kind": "tech_centre", "names": {"en": "C4IR Kyiv"}, "country": "UA", "timezone": "Europe/Kyiv"}
_KEPT = text("SELECT id, version, folded, grams FROM partner ORDER BY id")


async def kept(service: PartnersService) -> list[Any]:
    async with service.runtime.database.reader() as reader:
        return [tuple(row) for row in await reader.execute(_KEPT)]


async def test_every_partner_is_indexed_anew_as_if_it_were_registered_now(service: PartnersService) -> None:
    names = ["Caracas D.C.", "Kota Bharu", "St. Étienne", "R.A.M.C.C.", "Ruta N"]
    for name in names:
        key = {"scheme": "dane", "value": name[:3]}
        await service.register("city", names={"es": name}, locality="Lviv", acronym="ABCD", identifiers=[key], force=True)
    merge = {"into": (await service.register(**C4IR))["id"], "reason": "Es el mismo."}
    old = (await service.register(**C4IR, force=True))["id"]
    assert (await service.operator.post(f"/v1/partners/{old}/merge", json=merge, headers={"If-Match": '"1"'})).status_code == 201
    as_registered = await kept(service)
    async with service.runtime.database.session() as session:
        await session.execute(text("UPDATE partner SET folded = '{old}', grams = '{old}' WHERE grams <> '{}'"))
        await session.commit()
    assert await kept(service) != as_registered
    async with service.runtime.database.session() as session:
        migration = import_module("services.partners.migrations.versions.0012_names")
        await (await session.connection()).run_sync(migration.index_anew, 2)
        await session.commit()
    assert len(as_registered) == len(names) + 2
    assert await kept(service) == as_registered
