"""Terms are proposed, countered, approved by their hash; nobody is bound to words it has not seen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from services.partners.agreements.canonical.models import verify
from tests.partners.agreements.conftest import Table, good, hash_of, refused


async def test_two_counter_proposals_and_both_sides_verify_the_same_hash(table: Table, tmp_path: Path) -> None:
    agreement = await table.proposed()
    for quantity, client in ((3, table.kyiv), (4, table.medellin)):
        agreement = good(await table.attempt(client, agreement, "revisions", terms=table.terms(quantity=quantity)), 201)
    for client in (table.medellin, table.kyiv):
        agreement = await table.act(client, agreement, "approve", terms_hash=hash_of(agreement))
    agreement = await table.act(table.kyiv, agreement, "request-signature")
    for client in (table.kyiv, table.medellin):
        answer = await client.get(f"/v1/agreements/{agreement['id']}/revisions/3/canonical")
        file = tmp_path / f"{client.partner}.json"
        file.write_bytes(answer.content)
        assert verify(file) == hash_of(agreement)
        agreement = await table.act(client, agreement, "sign", terms_hash=verify(file))
    assert agreement["state"] == "in_force"
    facts = await table.types(agreement)
    assert facts.count("revision_proposed") == 2


async def test_every_revision_names_the_one_before_by_its_hash(table: Table) -> None:
    first = await table.proposed()
    second = good(await table.attempt(table.kyiv, first, "revisions", terms=table.terms(quantity=5)), 201)
    assert second["current_revision"]["prev_hash"] == hash_of(first)
    read = (await table.kyiv.get(f"/v1/agreements/{first['id']}/revisions/1")).json()
    assert (read["number"], read["prev_hash"], read["terms_hash"]) == (1, None, hash_of(first))
    canonical = (await table.kyiv.get(f"/v1/agreements/{first['id']}/revisions/2/canonical")).json()
    assert canonical["prev_hash"] == hash_of(first)


async def test_approvals_lapse_when_the_terms_change_under_them(table: Table) -> None:
    agreement = await table.agreed()
    assert agreement["state"] == "agreed"
    revised = good(await table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(quantity=9)), 201)
    assert revised["state"] == "negotiating"
    assert [party["consent"] for party in revised["parties"]] == ["lapsed", "lapsed"]
    assert [party["consent_hash"] for party in revised["parties"]] == [hash_of(agreement)] * 2
    facts = await table.types(agreement)
    assert facts[-3:] == ["revision_proposed", "party_consent_lapsed", "party_consent_lapsed"]


async def test_approving_stale_terms_is_told_the_new_hash_and_what_changed(table: Table) -> None:
    old = await table.proposed()
    new = good(await table.attempt(table.kyiv, old, "revisions", terms=table.terms(quantity=7, unit="workshops")), 201)
    problem = refused(await table.attempt(table.medellin, new, "approve", terms_hash=hash_of(old)), 409, "stale-terms")
    assert problem["terms_hash"] == hash_of(new)
    changed = {change["path"].rpartition(".")[2]: change for change in problem["changed"]}
    assert (changed["quantity"]["was"], changed["quantity"]["now"]) == (2, 7)
    assert changed["unit"]["now"] == "workshops"
    never = refused(await table.attempt(table.medellin, new, "approve", terms_hash="0" * 64), 409, "stale-terms")
    assert never["changed"] is None


async def test_a_known_commitment_keeps_its_id_from_revision_to_revision(table: Table) -> None:
    agreement = await table.proposed()
    known = agreement["current_revision"]["terms"]["lines"][0]["commitments"][0]["id"]
    revised = good(await table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(id=known, quantity=3)), 201)
    assert revised["current_revision"]["terms"]["lines"][0]["commitments"][0]["id"] == known
    other = table.terms(id="01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f")
    problem = refused(await table.attempt(table.kyiv, revised, "revisions", terms=other), 422, "unknown-commitment")
    assert problem["field"] == "/terms/lines/0/commitments/0/id"


async def test_a_quantity_to_be_defined_can_be_approved_and_not_signed(table: Table) -> None:
    agreement = await table.agreed(terms=table.terms(quantity=None, to_be_defined=True))
    assert len(agreement["current_revision"]["blockers"]) == 1
    problem = refused(await table.attempt(table.medellin, agreement, "request-signature"), 409, "signature-blocked")
    assert problem["blockers"][0]["reason"] == "to_be_defined"
    agreement = good(await table.attempt(table.medellin, agreement, "revisions", terms=table.terms(quantity=2)), 201)
    assert agreement["current_revision"]["blockers"] == []


async def test_approving_races_revising_and_exactly_one_wins(table: Table) -> None:
    for quantity in range(3, 9):
        agreement = await table.proposed()
        approved, revised = await asyncio.gather(
            table.attempt(table.medellin, agreement, "approve", terms_hash=hash_of(agreement)),
            table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(quantity=quantity)),
        )
        assert sorted((approved.status_code < 400, revised.status_code < 400)) == [False, True], (approved.text, revised.text)
        after = good(await table.medellin.get(f"/v1/agreements/{agreement['id']}"))
        assert after["version"] == agreement["version"] + 1
        consent = after["parties"][0]["consent"]
        assert consent == ("approved" if approved.status_code < 400 else "invited")
        last = (await table.types(agreement))[-1]
        assert last == ("party_approved" if approved.status_code < 400 else "revision_proposed")


async def test_approved_first_then_revised_is_lapsed_and_not_approved(table: Table) -> None:
    agreement = await table.proposed()
    approved = await table.act(table.medellin, agreement, "approve", terms_hash=hash_of(agreement))
    stale = await table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(quantity=3))
    refused(stale, 412, "stale")
    revised = good(await table.attempt(table.kyiv, approved, "revisions", terms=table.terms(quantity=3)), 201)
    assert revised["parties"][0]["consent"] == "lapsed"


async def test_thirty_changes_of_one_version_leave_one(table: Table) -> None:
    agreement = await table.proposed()
    answers = await asyncio.gather(
        *(table.attempt(table.kyiv, agreement, "revisions", terms=table.terms(quantity=3 + place)) for place in range(30))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [412] * 29, [answer.text for answer in answers]
    assert (await table.types(agreement)).count("revision_proposed") == 1


async def test_what_says_nothing_new_makes_no_revision(table: Table) -> None:
    agreement = await table.agreed()
    known = agreement["current_revision"]["terms"]
    texts = (await table.kyiv.get(f"/v1/agreements/{agreement['id']}/revisions/1")).json()["texts"]
    same = await table.attempt(table.kyiv, agreement, "revisions", terms=known, texts=json.loads(json.dumps(texts)))
    refused(same, 409, "nothing-changed")
