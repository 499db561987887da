"""Agreements follow a merge: the parties move, and every byte that was approved or signed stays."""

from __future__ import annotations

from typing import Any

from services.partners.agreements.canonical.models import verify
from tests.partners.agreements.conftest import good, hash_of, refused
from tests.partners.merging.conftest import Two

PARTY_SUCCEEDED = "agreement.party_succeeded"


async def bytes_of(two: Two, agreement: dict[str, Any], number: int = 1) -> bytes:
    answer = await two.service.operator.get(f"/v1/agreements/{agreement['id']}/revisions/{number}/canonical")
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_an_agreement_in_force_is_the_survivors_and_its_bytes_name_the_old_partner(two: Two) -> None:
    agreement = await two.table.signed()
    before = await bytes_of(two, agreement)
    merge = await two.merged()
    after = await two.read(f"/v1/agreements/{agreement['id']}")
    assert [party["partner"] for party in after["parties"]] == [two.table.medellin.partner, two.survivor.partner]
    party = after["parties"][1]
    assert (party["consent"], party["consent_hash"], party["was"]) == ("signed", hash_of(agreement), [two.old.partner])
    assert party["names"]["en"] == "GGTC Kyiv"
    assert after["current_revision"] == agreement["current_revision"]
    assert await bytes_of(two, agreement) == before
    assert verify(before) == hash_of(agreement)
    assert two.old.partner in before.decode()
    assert merge["moved"]["agreements"] == 1


async def test_the_succession_is_told_once_of_each_agreement_in_whatever_state(two: Two) -> None:
    made = [await getattr(two.table, state)() for state in ("draft", "proposed", "agreed", "signing", "signed")]
    versions = [agreement["version"] for agreement in made]
    await two.merged()
    for agreement, version in zip(made, versions, strict=True):
        facts = [fact for fact in await two.service.facts(f"agreement/{agreement['id']}") if PARTY_SUCCEEDED in fact["type"]]
        assert [fact["data"] for fact in facts] == [
            {
                "agreement": agreement["id"],
                "partner": two.old.partner,
                "successor": two.survivor.partner,
                "names": {"en": "GGTC Kyiv", "uk": "Центр GovTech, Київ"},
                "because": "merged",
            }
        ]
        after = await two.read(f"/v1/agreements/{agreement['id']}")
        assert (after["version"], after["state"]) == (version + 1, agreement["state"])
        assert [p["consent"] for p in after["parties"]] == [p["consent"] for p in agreement["parties"]]


async def test_the_next_revision_names_the_survivor_and_keeps_the_ids_of_its_promises(two: Two) -> None:
    agreement = await two.table.proposed()
    (before,) = agreement["current_revision"]["terms"]["lines"][0]["commitments"]
    await two.merged()
    agreement = await two.read(f"/v1/agreements/{agreement['id']}")
    problem = await revise(two, agreement, two.table.terms(quantity=3))
    assert refused(problem, 409, "partner-merged")["survivor"] == two.survivor.partner
    assert problem.json()["field"] == "/terms/lines/0/commitments/0/giver"
    revised = good(await revise(two, agreement, two.table.terms(quantity=3, giver=two.survivor.partner)), 201)
    (after,) = revised["current_revision"]["terms"]["lines"][0]["commitments"]
    assert (after["id"], after["giver"], after["quantity"]) == (before["id"], two.survivor.partner, 3)
    second = await bytes_of(two, agreement, 2)
    assert two.survivor.partner in second.decode()
    assert two.old.partner not in second.decode()
    assert verify(second) == hash_of(revised)
    assert revised["current_revision"]["prev_hash"] == hash_of(agreement)


async def revise(two: Two, agreement: dict[str, Any], terms: dict[str, Any]) -> Any:
    body = {"terms": terms, "texts": {"es": {"body": "Las partes intercambian buenas prácticas.", "status": "authentic"}}}
    headers = {"If-Match": f'"{agreement["version"]}"'}
    return await two.table.medellin.post(f"/v1/agreements/{agreement['id']}/revisions", json=body, headers=headers)


async def test_the_survivor_goes_on_where_the_old_partner_stood(two: Two) -> None:
    agreement = await two.table.proposed()
    await two.merged()
    agreement = await two.read(f"/v1/agreements/{agreement['id']}")
    for client in (two.table.medellin, two.survivor):
        agreement = await two.table.act(client, agreement, "approve", terms_hash=hash_of(agreement))
    assert agreement["state"] == "agreed"


async def test_two_that_agreed_with_each_other_are_not_one(two: Two) -> None:
    parties = [{"partner": two.old.partner}, {"partner": two.survivor.partner}]
    draft = good(await two.old.post("/v1/agreements", json=two.table.draft_body(parties=parties, terms=without_promises(two))), 201)
    problem = refused(await two.merge(), 409, "both-parties")
    assert (problem["field"], problem["agreements"]) == ("/into", [draft["id"]])
    await two.table.act(two.old, draft, "abandon", reason="Somos uno.")
    merge = await two.merged()
    assert merge["left"]["agreements"] == [draft["id"]]
    assert [party["partner"] for party in (await two.read(f"/v1/agreements/{draft['id']}"))["parties"]] == [p["partner"] for p in parties]


def without_promises(two: Two) -> dict[str, Any]:
    terms = two.table.terms()
    terms["lines"][0].pop("commitments")
    return terms


async def test_a_merged_partner_is_no_party_of_a_new_agreement(two: Two) -> None:
    await two.merged()
    problem = refused(await two.table.medellin.post("/v1/agreements", json=two.table.draft_body()), 409, "partner-merged")
    assert (problem["field"], problem["survivor"]) == ("/parties/1/partner", two.survivor.partner)
