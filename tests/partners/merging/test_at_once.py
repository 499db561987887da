"""A merge in the same instant as something else: one of the two waits, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.partners.access.commands import create_client
from services.partners.access.models import ClientWanted
from services.partners.agreements.drafting.commands import draft_agreement
from services.partners.agreements.drafting.schemas import NewAgreement
from services.partners.agreements.negotiation.commands import approve_terms
from services.partners.contacts.commands import name_contact
from services.partners.contacts.schemas import NewContact
from services.partners.merging.commands import Wanted, merge_partner
from services.partners.models import Seen
from services.partners.networks.commands import join_network
from services.partners.networks.models import Joining
from shared.auth import Caller
from tests.partners.agreements.conftest import hash_of, refused
from tests.partners.contacts.test_contacts import PERSON
from tests.partners.entitlements.test_at_once import NOW, OPERATOR, started, waits
from tests.partners.merging.conftest import REASON, Two

Begin = Callable[[AsyncSession, Two, str], Awaitable[object]]


async def test_two_merges_of_one_partner_at_once_are_one(two: Two) -> None:
    third = (await two.service.register("tech_centre", names={"en": "Kyiv Digital Lab"}, country="UA"))["id"]
    answers = await asyncio.gather(two.merge(), two.merge(into=third))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert (await two.types(f"partner/{two.old.partner}")).count("partner.merged") == 1


async def test_two_that_are_merged_into_each_other_at_once_leave_one(two: Two) -> None:
    answers = await asyncio.gather(two.merge(), two.merge(two.survivor.partner, two.old.partner))
    statuses = sorted(answer.status_code for answer in answers)
    # The other way round was decided on a version of the survivor that has passed, or names who is no more.
    assert statuses in ([201, 409], [201, 412])
    states = [
        answer.status_code for answer in [await two.service.operator.get(f"/v1/partners/{one.partner}") for one in (two.old, two.survivor)]
    ]
    assert sorted(states) == [200, 308]


async def test_an_approval_at_the_instant_of_a_merge_counts_or_is_told_to_look_again(two: Two) -> None:
    for _ in range(3):
        agreement = await two.table.proposed()
        approving = two.table.attempt(two.table.medellin, agreement, "approve", terms_hash=hash_of(agreement))
        merging, approved = await asyncio.gather(two.merge(), approving)
        assert (merging.status_code, approved.status_code) in {(201, 200), (201, 412)}, approved.text
        after = await two.read(f"/v1/agreements/{agreement['id']}")
        assert [party["partner"] for party in after["parties"]] == [two.table.medellin.partner, two.survivor.partner]
        assert after["parties"][0]["consent"] == ("approved" if approved.status_code == 200 else "invited")
        await two.table.types(agreement)
        assert (await two.undo()).status_code == 200


async def test_an_approval_that_came_first_is_waited_for_and_kept(two: Two) -> None:
    agreement = await two.table.proposed()
    caller = Caller("test", two.table.medellin.partner, frozenset({"sign"}))
    async with two.service.runtime.database.session() as session:
        await approve_terms(session, caller, Seen(agreement["id"], agreement["version"]), hash_of(agreement), NOW)
        merging = await started(two.merge())
        assert await waits(two.world, merging)
        await session.commit()
    assert (await merging).status_code == 201
    parties = (await two.read(f"/v1/agreements/{agreement['id']}"))["parties"]
    assert [(party["partner"], party["consent"]) for party in parties] == [
        (two.table.medellin.partner, "approved"),
        (two.survivor.partner, "invited"),
    ]


async def test_an_approval_that_came_second_is_told_to_look_again(two: Two) -> None:
    agreement = await two.table.proposed()
    async with two.service.runtime.database.session() as session:
        await merge_partner(session, OPERATOR, Seen(two.old.partner, 1), Wanted(two.survivor.partner, REASON), NOW)
        approving = await started(two.table.attempt(two.table.medellin, agreement, "approve", terms_hash=hash_of(agreement)))
        assert await waits(two.world, approving)
        await session.commit()
    refused(await approving, 412, "stale")
    agreement = await two.read(f"/v1/agreements/{agreement['id']}")
    await two.table.act(two.table.medellin, agreement, "approve", terms_hash=hash_of(agreement))


async def joins(session: AsyncSession, two: Two, network: str) -> None:
    joining = Joining(partner=two.old.partner, network=network, role="member", valid_from=NOW.date())
    await join_network(session, OPERATOR, joining, NOW)


async def gets_a_client(session: AsyncSession, two: Two, _network: str) -> None:
    wanted = ClientWanted(partner=two.old.partner, name="Sistema", scopes=frozenset({"read"}))
    await create_client(session, OPERATOR, wanted, datetime.now(UTC))


async def names_somebody(session: AsyncSession, two: Two, _network: str) -> None:
    await name_contact(session, OPERATOR, two.old.partner, NewContact.model_validate(PERSON).person(), NOW)


async def drafts(session: AsyncSession, two: Two, _network: str) -> None:
    body = NewAgreement.model_validate(two.table.draft_body())
    await draft_agreement(session, OPERATOR, body.frame(), body.wanted(), NOW)


@pytest.mark.parametrize(
    ("begin", "what"), [(joins, "memberships"), (gets_a_client, "clients"), (names_somebody, "contacts"), (drafts, "agreements")]
)
async def test_what_was_begun_for_the_old_partner_is_waited_for_and_passes(two: Two, begin: Begin, what: str) -> None:
    network = await two.world.network()
    before = {"clients": 1}.get(what, 0)
    async with two.service.runtime.database.session() as session:
        await begin(session, two, network)
        merging: asyncio.Task[httpx.Response] = await started(two.merge())
        assert await waits(two.world, merging)
        await session.commit()
    answer = await merging
    assert answer.status_code == 201, answer.text
    assert answer.json()["moved"][what] == before + 1


async def test_what_is_begun_for_the_old_partner_while_it_is_merged_passes_or_is_refused(two: Two) -> None:
    network = await two.world.network()
    operator, old = two.service.operator, two.old.partner
    doing: list[Any] = [
        operator.post(f"/v1/networks/{network}/members", json={"partner": old, "valid_from": "2025-01-01"}),
        operator.post("/v1/agreements", json=two.table.draft_body()),
        operator.post(f"/v1/partners/{old}/contacts", json=PERSON),
    ]
    (merging, *answers) = await asyncio.gather(two.merge(), *doing)
    assert merging.status_code == 201, merging.text
    joined, drafted, named = answers
    if joined.status_code == 201:
        assert (await two.read(f"/v1/memberships/{joined.json()['id']}"))["partner"] == two.survivor.partner
    if drafted.status_code == 201:
        assert (await two.read(f"/v1/agreements/{drafted.json()['id']}"))["parties"][1]["partner"] == two.survivor.partner
    if named.status_code == 201:
        assert (await two.read(f"/v1/contacts/{named.json()['id']}"))["partner"] == two.survivor.partner
    for answer in (joined, drafted, named):
        assert answer.status_code in {201, 308} or refused(answer, 409, "partner-merged")["survivor"] == two.survivor.partner
