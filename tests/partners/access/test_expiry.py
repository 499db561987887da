"""A partner is warned in time that a client of it can take no token soon: once for each date, and not when that was mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.partners.conftest import PartnersService

WARNED = "org.interurbe.client.expiry_warned.v1"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAMES = {"es": "Ruta N", "en": "Route N"}


@pytest.fixture
def end() -> datetime:
    """Thirty days ahead, on the second."""
    return datetime.now(UTC).replace(microsecond=0) + 30 * DAY


async def made(service: PartnersService, partner: str | None, end: datetime | None) -> dict[str, Any]:
    said = {"partner": partner, "name": "Sistema de convenios", "scopes": ["read"], "expires_at": end.isoformat() if end else None}
    answer = await service.operator.post("/v1/clients", json=said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def ending(service: PartnersService, end: datetime | None) -> dict[str, Any]:
    partner = await service.register("tech_centre", names=NAMES, force=True)
    return await made(service, partner["id"], end)


async def leaning_on_its_older_secret(service: PartnersService, end: datetime) -> dict[str, Any]:
    """A client whose newer secret was dropped: with the older one it can take no token from ``end`` on."""
    client = await ending(service, None)
    place = f"/v1/clients/{client['id']}/secrets"
    assert (await service.operator.post(place, json={"old_valid_until": end.isoformat()})).status_code == 201
    assert (await service.operator.delete(f"{place}/2")).status_code == 200
    return client


async def warnings(service: PartnersService, client: dict[str, Any]) -> list[dict[str, Any]]:
    return [fact for fact in await service.facts(f"client/{client['id']}") if fact["type"] == WARNED]


async def warned_by(service: PartnersService, client: dict[str, Any], *moments: datetime) -> list[int]:
    """How often it was warned by each moment."""
    counted = []
    for moment in moments:
        await service.act(moment)
        counted.append(len(await warnings(service, client)))
    return counted


async def test_a_partner_is_warned_two_weeks_and_a_day_before_its_client_ends(service: PartnersService, end: datetime) -> None:
    client = await ending(service, end)
    moments = (end - 14 * DAY - HOUR, end - 14 * DAY, end - 13 * DAY, end - DAY - HOUR, end - DAY, end + DAY)
    assert await warned_by(service, client, *moments) == [0, 1, 1, 1, 2, 2]
    fact = (await warnings(service, client))[0]
    assert (fact["headers"]["ce_visibility"], fact["headers"]["ce_audience"]) == ("parties", client["partner"])
    said = {"client": client["id"], "client_name": client["name"], "partner": client["partner"], "names": NAMES}
    assert {**fact["data"], "expires_at": datetime.fromisoformat(fact["data"]["expires_at"])} == said | {"expires_at": end}


async def test_after_a_long_sleep_it_is_warned_once_and_after_the_end_not_at_all(service: PartnersService, end: datetime) -> None:
    late, too_late = await ending(service, end), await ending(service, end - 2 * DAY)
    assert await warned_by(service, late, end - HOUR, end) == [1, 1]
    assert await warnings(service, too_late) == []


async def test_the_end_of_the_last_secret_counts_and_a_new_secret_mends_it(service: PartnersService, end: datetime) -> None:
    left, mended = await leaning_on_its_older_secret(service, end), await leaning_on_its_older_secret(service, end)
    assert (await service.operator.post(f"/v1/clients/{mended['id']}/secrets")).status_code == 201
    assert await warned_by(service, left, end - 14 * DAY, end - DAY) == [1, 2]
    assert await warnings(service, mended) == []


async def test_nobody_is_warned_of_a_client_that_was_revoked(service: PartnersService, end: datetime) -> None:
    client = await ending(service, end)
    await service.operator.post(f"/v1/clients/{client['id']}/revoke")
    assert await warned_by(service, client, end - 14 * DAY, end - DAY) == [0, 0]


async def test_an_end_that_is_moved_moves_the_warnings_and_another_name_does_not(service: PartnersService, end: datetime) -> None:
    client = await ending(service, end)
    place, later = f"/v1/clients/{client['id']}", end + 60 * DAY
    await service.operator.patch(place, json={"name": "Otro"}, headers={"If-Match": '"1"'})
    assert await warned_by(service, client, end - 14 * DAY) == [1]
    version = (await service.operator.get(place)).json()["version"]
    moved = await service.operator.patch(place, json={"expires_at": later.isoformat()}, headers={"If-Match": f'"{version}"'})
    assert moved.status_code == 200, moved.text
    assert await warned_by(service, client, end - DAY, later - 14 * DAY, later - DAY) == [1, 2, 3]


async def test_a_client_without_an_end_and_the_operators_own_are_never_warned_of(service: PartnersService, end: datetime) -> None:
    endless, own = await ending(service, None), await made(service, None, end)
    assert await warned_by(service, endless, end - 14 * DAY, end - DAY) == [0, 0]
    assert await warnings(service, own) == []
