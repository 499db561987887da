"""A merge is undone within thirty days: what passed comes back, what came since stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from services.partners.merging.models import Merge
from tests.partners.agreements.conftest import good, hash_of, refused
from tests.partners.contacts.test_contacts import PERSON
from tests.partners.merging.conftest import Two
from tests.partners.merging.test_estate import mandate

CHANGING = {"version", "changed_at"}


async def unlike(two: Two, path: str, before: dict[str, Any]) -> set[str]:
    """Where what is read there is not as before, besides its version and the time of its change."""
    after = await two.read(path)
    return {name for name in before if before[name] != after[name]} - CHANGING


async def undone(two: Two) -> dict[str, Any]:
    answer = await two.undo()
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_everything_is_as_it_was_and_told(two: Two) -> None:
    network = await two.world.network()
    membership = await two.world.join(two.old.partner, network)
    agreement = await two.table.signed(visibility="public")
    contact = (await two.old.post(f"/v1/partners/{two.old.partner}/contacts", json=PERSON)).json()
    given = await mandate(two.old, two.table.stranger)
    things = {f"/v1/memberships/{membership['id']}": membership, f"/v1/agreements/{agreement['id']}": agreement}
    things |= {f"/v1/contacts/{contact['id']}": contact, f"/v1/mandates/{given['id']}": given}
    things |= {path: await two.read(path) for path in (f"/v1/partners/{one.partner}" for one in (two.old, two.survivor))}
    await two.merged()
    for path, before in things.items():
        if "partners" not in path:
            assert await unlike(two, path, before), path
    merge = await undone(two)
    assert merge["undone_because"] == "Son dos centros."
    assert {path: await unlike(two, path, before) for path, before in things.items()} == {path: set() for path in things}
    subjects = [f"partner/{two.old.partner}", f"membership/{membership['id']}", f"agreement/{agreement['id']}"]
    last = [(await two.service.facts(subject))[-1] for subject in subjects]
    assert [fact["type"].split(".", 2)[2] for fact in last] == [
        "partner.merge_undone.v1",
        "membership.succeeded.v1",
        "agreement.party_succeeded.v1",
    ]
    assert [fact["data"].get("because") for fact in last[1:]] == ["merge_undone"] * 2
    assert last[0]["data"]["profile"]["identifiers"] == [{"scheme": "wef", "value": "c4ir-kyiv"}]
    assert (await two.types(f"partner/{two.survivor.partner}"))[-1] == "partner.updated"


async def test_entitlements_follow_back_each_told_once(two: Two) -> None:
    network, other = await two.world.network(), await two.world.city()
    await two.world.join(two.old.partner, network)
    agreement = await two.world.agreement(network, other)
    before = await two.world.held(agreement)
    await two.merged()
    await undone(two)
    assert await two.world.held(agreement) == before
    told = [one for one in await two.world.told(agreement) if one[2] == "merge_undone"]
    assert sorted(told) == sorted([("granted", two.old.partner, "merge_undone"), ("withdrawn", two.survivor.partner, "merge_undone")])


async def test_a_membership_that_gave_way_stands_again(two: Two) -> None:
    network, other = await two.world.network(), await two.world.city()
    mine, theirs = await two.world.join(two.old.partner, network), await two.world.join(two.survivor.partner, network)
    agreement = await two.world.agreement(network, other)
    await two.merged()
    await undone(two)
    assert await unlike(two, f"/v1/memberships/{mine['id']}", mine) == set()
    assert await unlike(two, f"/v1/memberships/{theirs['id']}", theirs) == set()
    assert (await two.types(f"membership/{mine['id']}"))[-1] == "membership.started"
    assert set(await two.world.held(agreement)) == {network, other, two.old.partner, two.survivor.partner}


async def test_what_came_to_the_survivor_since_stays_there(two: Two) -> None:
    await two.merged()
    parties = [{"partner": two.table.medellin.partner}, {"partner": two.survivor.partner}]
    terms = two.table.terms(giver=two.survivor.partner)
    since = good(await two.table.medellin.post("/v1/agreements", json=two.table.draft_body(parties=parties, terms=terms)), 201)
    contact = (await two.survivor.post(f"/v1/partners/{two.survivor.partner}/contacts", json=PERSON)).json()
    await undone(two)
    assert [party["partner"] for party in (await two.read(f"/v1/agreements/{since['id']}"))["parties"]] == [p["partner"] for p in parties]
    assert (await two.read(f"/v1/contacts/{contact['id']}"))["partner"] == two.survivor.partner


async def test_a_consent_given_by_the_survivor_meanwhile_is_the_old_partners(two: Two) -> None:
    agreement = await two.table.proposed()
    await two.merged()
    agreement = await two.read(f"/v1/agreements/{agreement['id']}")
    agreement = await two.table.act(two.survivor, agreement, "approve", terms_hash=hash_of(agreement))
    await undone(two)
    party = (await two.read(f"/v1/agreements/{agreement['id']}"))["parties"][1]
    assert (party["partner"], party["consent"], party.get("was")) == (two.old.partner, "approved", None)


async def test_a_merge_is_undone_once_and_what_was_never_merged_is_not(two: Two) -> None:
    refused(await two.undo(), 404, "not-found")
    await two.merged()
    await undone(two)
    refused(await two.undo(), 409, "not-merged")
    assert (await two.merge()).status_code == 201
    assert (await two.undo()).status_code == 200


async def test_after_thirty_days_it_stays_and_the_answer_names_the_day(two: Two) -> None:
    await two.merged()
    day = datetime.now(UTC) - timedelta(days=1)
    async with two.service.runtime.database.session() as session:
        await session.execute(update(Merge).values(undo_until=day))
        await session.commit()
    problem = refused(await two.undo(), 409, "undo-too-late")
    assert problem["undo_until"].startswith(str(day.date()))
    assert str(day.date()) in problem["detail"]


async def test_of_a_chain_the_last_merge_is_undone_first(two: Two) -> None:
    third = (await two.service.register("tech_centre", names={"en": "Kyiv Digital Lab"}, country="UA"))["id"]
    await two.merged()
    await two.merged(old=two.survivor.partner, into=third)
    assert refused(await two.undo(), 409, "survivor-merged")["into"] == third
    assert (await two.undo(two.survivor.partner)).status_code == 200
    await undone(two)
    assert (await two.read(f"/v1/partners/{two.old.partner}"))["state"] == "active"
