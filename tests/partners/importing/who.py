"""Who gets which status from the operations on files of partners: the part of the table that is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fixtures.matrix import Ask, Maker, Row, closed

READ = "200 200 200 200 200 200"
THEIRS = "404 200 200 404 200 200"
CSV = "kind,name.es,country,timezone\ncity,Ciudad de un archivo,CO,America/Bogota\n"


async def file_of_partners(_world: Any) -> Ask:
    return Ask("/v1/partners/import", csv=CSV)


def at(path: str) -> Maker[Any]:
    async def ask(_world: Any) -> Ask:
        return Ask(path)

    return ask


def on_import(way: str) -> Maker[Any]:
    """A request about a file that the city sent."""

    async def ask(world: Any) -> Ask:
        made = await world.callers["member"].post("/v1/partners/import", content=CSV, headers={"Content-Type": "text/csv"})
        assert made.status_code == 202, made.text
        return Ask(f"/v1/imports/{made.json()['id']}{way}")

    return ask


#           other reader member network ruler operator
FILES: Mapping[str, Row[Any]] = {
    "POST /v1/partners/import": closed("202 403 202 202 403 202", file_of_partners),
    "GET /v1/partners/export": closed(READ, at("/v1/partners/export")),
    "GET /v1/imports": closed(READ, at("/v1/imports")),
    "GET /v1/imports/{importing}": closed(THEIRS, on_import("")),
    "GET /v1/imports/{importing}/rows": closed(THEIRS, on_import("/rows")),
    "GET /v1/imports/{importing}/refused": closed(THEIRS, on_import("/refused")),
    "POST /v1/imports/{importing}/cancel": closed("404 403 200 404 403 200", on_import("/cancel")),
}
