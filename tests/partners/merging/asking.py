"""How the table of who gets which status asks for a merge and for its undoing."""

from __future__ import annotations

from typing import Any, Protocol

from tests.fixtures.matrix import Ask, Maker
from tests.partners.conftest import PartnersService

UNDOING = {"reason": "No lo es."}


class Fresh(Protocol):
    """A world in which somebody nobody has met yet is registered."""

    service: PartnersService

    async def fresh_partner(self) -> str:
        """The id of that partner."""


async def merging(world: Fresh) -> Ask:
    """Two who were registered a moment ago become one."""
    old, into = await world.fresh_partner(), await world.fresh_partner()
    return Ask(f"/v1/partners/{old}/merge", json={"into": into, "reason": "Es el mismo."}, version=1)


def on_merged(way: str, said: dict[str, Any] | None = None) -> Maker[Any]:
    """A request about one who was merged into another."""

    async def ask(world: Fresh) -> Ask:
        wanted = await merging(world)
        made = await world.service.operator.post(wanted.path, json=wanted.json, headers={"If-Match": '"1"'})
        assert made.status_code == 201, made.text
        return Ask(wanted.path.removesuffix("/merge") + way, json=said)

    return ask
