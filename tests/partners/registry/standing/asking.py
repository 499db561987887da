"""Requests for the table of who gets which status: deeds on a partner that nobody has met."""

from __future__ import annotations

from typing import Any

from tests.fixtures.matrix import Ask, Maker


def on_partner(deed: str, *before: str, **said: Any) -> Maker[Any]:
    """A deed on a fresh partner (to submit: on a draft), after those before it."""

    async def ask(world: Any) -> Ask:
        draft = {"state": "draft"} if deed == "submit" else {}
        place = f"/v1/partners/{(await world.service.register(**draft))['id']}"
        for version, each in enumerate(before, start=1):
            done = await world.service.operator.post(f"{place}/{each}", json={"reason": "X"}, headers={"If-Match": f'"{version}"'})
            assert done.status_code == 200, done.text
        return Ask(f"{place}/{deed}", json=said or None, version=1 + len(before))

    return ask
