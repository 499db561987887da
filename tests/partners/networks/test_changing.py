"""A network lets a partner belong to it as something else, or otherwise take part: who may, when, and what follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.partners.audit.test_audit import entries
from tests.partners.conftest import PartnerClient, PartnersService
from tests.partners.networks.conftest import NAME, Pair, on
from tests.partners.networks.test_archiving import archived

TODAY = datetime.now(UTC).date()
NOBODY = "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"


async def change(client: PartnerClient, membership: dict[str, Any], **said: Any) -> httpx.Response:
    """Change a membership as it was read."""
    headers = {"If-Match": f'"{membership["version"]}"'}
    return await client.patch(f"/v1/memberships/{membership['id']}", json=said, headers=headers)


async def entitling(service: PartnersService) -> list[str]:
    """What was told of who may take part, in all."""
    return [fact["type"].split(".")[3] for fact in await service.facts() if fact["subject"].startswith("entitlement/")]


async def test_another_role_is_told_to_everybody_with_what_it_was_and_entitles_as_before(pair: Pair) -> None:
    agreement, made = await pair.agreement(), await pair.join(role="founding")
    before = await entitling(pair.service)
    changed = await change(pair.network, made, role="secretariat")
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"'), changed.text
    assert changed.json() == made | {"role": "secretariat", "version": 2} == await pair.read(made)
    assert await pair.told(made) == [("started", "public"), ("changed", "public")]
    fact = (await pair.service.facts(f"membership/{made['id']}"))[1]
    names = {"partner_names": (await pair.city.get(f"/v1/partners/{pair.city.partner}")).json()["names"], "network_names": NAME}
    assert fact["data"] == names | {
        "membership": made["id"], "partner": pair.city.partner, "network": pair.network.partner, "role": "secretariat",
        "was_role": "founding", "inherits_agreements": "auto", "was_inherits_agreements": "auto",
    }  # fmt: skip
    assert (await pair.entitled(agreement), await entitling(pair.service)) == (True, before)


@pytest.mark.parametrize("said", [{"role": "observer"}, {"inherits_agreements": "no"}, {"inherits_agreements": "opt_in"}])
async def test_who_no_longer_takes_part_loses_it_once_and_gets_it_back_once(pair: Pair, said: dict[str, str]) -> None:
    first, second, made = await pair.agreement(), await pair.agreement(), await pair.join()
    before = await entitling(pair.service)
    less = await change(pair.network, made, **said)
    assert (less.status_code, await pair.entitled(first), await pair.entitled(second)) == (200, False, False), less.text
    assert (await entitling(pair.service))[len(before) :] == ["withdrawn", "withdrawn"]
    assert (await pair.service.facts())[-1]["data"]["reason"] == "membership_changed"
    again = await change(pair.service.operator, less.json(), role="member", inherits_agreements="auto")
    assert again.json() == made | {"version": 3}
    assert (await entitling(pair.service))[len(before) + 2 :] == ["granted", "granted"]
    assert await pair.entitled(first)


async def test_the_member_may_let_less_pass_to_it_and_nothing_else(pair: Pair) -> None:
    made = await pair.join()
    for said in ({"role": "observer"}, {"role": "member", "inherits_agreements": "no"}):
        refused = await change(pair.city, made, **said)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), said
    chosen = await change(pair.city, made, inherits_agreements="opt_in")
    assert (chosen.status_code, chosen.json()["inherits_agreements"]) == (200, "opt_in")
    assert (await change(pair.city, chosen.json(), inherits_agreements="auto")).status_code == 403
    nothing = (await change(pair.city, chosen.json(), inherits_agreements="no")).json()
    assert (await change(pair.city, nothing, inherits_agreements="opt_in")).status_code == 403
    assert (await change(pair.network, nothing, inherits_agreements="auto")).status_code == 200


async def test_nobody_else_changes_it_and_only_as_it_was_read(pair: Pair) -> None:
    made, stranger = await pair.join(), await pair.service.client_of("city_network")
    said: dict[str, Any] = {"role": "associate"}
    answers = [
        (await change(stranger, made, **said), 403, "forbidden"),
        (await change(await pair.service.client_for(pair.network.partner, "read"), made, **said), 403, "insufficient-scope"),
        (await change(pair.network, made | {"id": NOBODY}, **said), 404, "not-found"),
        (await change(pair.network, made | {"version": 9}, **said), 412, "stale"),
        (await pair.network.patch(f"/v1/memberships/{made['id']}", json=said), 428, "precondition-required"),
        (await change(pair.network, made, role="boss"), 422, "invalid"),
        (await change(pair.network, made, inherits_agreements="yes"), 422, "invalid"),
        (await change(pair.network, made, valid_to="2030-01-01"), 422, "invalid"),
    ]
    assert [(one.status_code, one.json()["code"]) for one, _, _ in answers] == [(status, code) for _, status, code in answers]
    assert await pair.read(made) == made


async def test_what_is_so_already_is_told_to_nobody_and_its_days_come_all_the_same(pair: Pair) -> None:
    last = TODAY + timedelta(days=60)
    agreement, made = await pair.agreement(), await pair.join(valid_to=last.isoformat())
    for said in ({}, {"role": "member"}, {"role": None, "inherits_agreements": "auto"}):
        same = await change(pair.network, made, **said)
        assert (same.status_code, same.json()) == (200, made), said
    assert await pair.told(made) == [("started", "public")]
    await pair.service.act(on(last + timedelta(days=1)))
    assert [kind for kind, _ in await pair.told(made)] == ["started", "lapsed"]
    assert not await pair.entitled(agreement)


async def test_what_was_not_approved_or_is_over_is_not_changed(pair: Pair) -> None:
    asked = await pair.apply()
    waiting = await change(pair.network, asked, role="associate")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "membership-state")
    assert waiting.json()["allowed"] == ["approve", "reject", "withdraw"]
    rejected = (await pair.act(pair.network, asked, "reject", reason="Otro.")).json()
    lapsed = await pair.join(valid_from="2019-01-01", valid_to=(TODAY - timedelta(days=20)).isoformat())
    ended = (await pair.act(pair.network, await pair.join(valid_from=TODAY.isoformat()), "end", valid_to=TODAY.isoformat())).json()
    for over, status, allowed in ((rejected, "rejected", []), (lapsed, "lapsed", ["end", "renew"])):
        refused = await change(pair.service.operator, over, inherits_agreements="no")
        assert (refused.status_code, refused.json()["membership_status"], refused.json()["allowed"]) == (409, status, allowed)
    assert (await change(pair.network, ended, role="host")).json()["role"] == "host", "it holds to the end of the day"


async def test_what_is_suspended_or_yet_to_begin_is_as_it_was_changed_once_it_holds(pair: Pair) -> None:
    agreement, first_day = await pair.agreement(), TODAY + timedelta(days=30)
    made = await pair.join(inherits_agreements="no", valid_to=(first_day - timedelta(days=1)).isoformat())
    stopped = (await pair.act(pair.network, made, "suspend", reason="Cuota.")).json()
    told = await entitling(pair.service)
    opened = (await change(pair.network, stopped, inherits_agreements="auto")).json()
    assert (opened["status"], await entitling(pair.service)) == ("suspended", told)
    assert (await pair.act(pair.network, opened, "resume")).status_code == 200
    assert await pair.entitled(agreement)
    coming = await pair.join(valid_from=first_day.isoformat())
    assert (await change(pair.network, coming, role="observer")).json()["status"] == "approved"
    await pair.service.act(on(first_day))
    assert not await pair.entitled(agreement)


async def test_who_is_not_active_or_was_merged_is_given_no_other_place(pair: Pair) -> None:
    made, operator = await pair.join(), pair.service.operator
    record = f"/v1/partners/{pair.city.partner}"
    body, version = {"reason": "Sin respuesta."}, (await operator.get(record)).json()["version"]
    suspended = await operator.post(f"{record}/suspend", json=body, headers={"If-Match": f'"{version}"'})
    refused = await change(pair.network, made, role="host")
    assert (refused.status_code, refused.json()["code"]) == (409, "partner-not-active")
    barred = await change(pair.city, made, inherits_agreements="no")
    assert (barred.status_code, barred.json()["code"]) == (403, "partner-barred")
    await operator.post(f"{record}/resume", headers={"If-Match": suspended.headers["etag"]})
    survivor = await pair.service.register("city")
    merging = {"into": survivor["id"], "reason": "Es la misma."}
    version = (await operator.get(record)).json()["version"]
    merged = await operator.post(f"{record}/merge", json=merging, headers={"If-Match": f'"{version}"'})
    assert merged.status_code == 201, merged.text
    passed = await pair.read(made)
    assert (await change(pair.network, passed, role="host")).json() == passed | {"role": "host", "version": passed["version"] + 1}
    assert (await pair.service.facts(f"membership/{made['id']}"))[-1]["data"]["partner"] == survivor["id"]
    await archived(pair.service, survivor["id"])
    gone = await change(operator, await pair.read(made), role="member")
    assert (gone.status_code, gone.json()["code"]) == (409, "partner-not-active")


async def test_who_changed_it_is_in_the_audit(pair: Pair) -> None:
    made = await pair.join()
    await change(pair.network, made, role="associate")
    (entry,) = await entries(pair.service, action="PATCH /v1/memberships/{membership}")
    assert (entry["subject"], entry["partner"], entry["outcome"]) == (f"/v1/memberships/{made['id']}", pair.network.partner, "200")
