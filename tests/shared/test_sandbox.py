"""The id alone tells a partner for trying out from a real one, and nothing that is said beside it can contradict it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Text, literal, select

from shared.auth import Caller, InvalidToken, Issuer, Verifier, sign_token
from shared.db import Database, new_id
from shared.events import DATASCHEMA, Envelope, MandateRevoked
from shared.events.cloudevents import from_message, to_data, to_headers
from shared.sandbox import in_sandbox, sandbox_id, sandboxed
from shared.signing import LocalKeys, new_key

KEY, ISSUER = new_key(), "https://partners.example.org"


def fact(sandbox: bool) -> Envelope:
    said = MandateRevoked(mandate=new_id(), partner=new_id(), holder=new_id(), reason="Prueba.")
    subject = f"mandate/{said.mandate}"
    return Envelope(
        id=new_id(), source="/interurbe/partners", type=said.TYPE, subject=subject, time=datetime(2025, 3, 4, 15, tzinfo=UTC), sequence=1,
        data=said, partitionkey=subject, dataschema=DATASCHEMA.format(type=said.TYPE), sandbox=sandbox,
    )  # fmt: skip


def test_ids_of_the_sandbox_are_uuids_of_version_8_that_ascend_among_the_others() -> None:
    ids = [new_id(), sandbox_id(), new_id(), sandbox_id()]
    assert [in_sandbox(one) for one in ids] == [False, True, False, True]
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in ids)
    assert sorted(one[:13] for one in ids) == [one[:13] for one in ids]
    assert not any(map(in_sandbox, ["", "bootstrap", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]))


async def test_the_database_tells_them_apart_by_the_same_rule(database: Database) -> None:
    async with database.reader() as reader:
        told = [await reader.scalar(select(sandboxed(literal(one, Text)))) for one in (new_id(), sandbox_id())]
    assert told == [False, True]


async def test_a_token_whose_claim_contradicts_its_partner_is_refused() -> None:
    verifier, issuer = Verifier(ISSUER, "interurbe", LocalKeys(KEY)), Issuer(ISSUER, "interurbe", timedelta(minutes=10))
    now = datetime.now(UTC)
    assert (await verifier.verify(issuer.issue(KEY, Caller("c", sandbox_id(), frozenset({"read"})), now))).sandbox
    claims = {"iss": ISSUER, "aud": "interurbe", "sub": "c", "scope": "read", "exp": now.timestamp() + 600}
    for partner, said in (
        (sandbox_id(), {}),
        (sandbox_id(), {"sandbox": False}),
        (new_id(), {"sandbox": True}),
        (sandbox_id(), {"sandbox": 1}),
    ):
        with pytest.raises(InvalidToken, match="contradicts"):
            await verifier.verify(sign_token(KEY, claims | {"partner": partner} | said))


def test_the_mark_goes_over_the_bus_and_is_absent_from_what_is_real() -> None:
    for sandbox in (True, False):
        envelope = fact(sandbox)
        headers = to_headers(envelope)
        assert from_message(headers, to_data(envelope)) == envelope
        assert [value for name, value in headers if name == "ce_sandbox"] == ([b"true"] if sandbox else [])


def test_a_mark_is_read_however_a_publisher_writes_the_boolean() -> None:
    envelope = fact(sandbox=True)
    others = [(name, value) for name, value in to_headers(envelope) if name != "ce_sandbox"]
    for value, expected in ((b"true", True), (b"True", True), (b"false", False), (b"1", False)):
        assert from_message([*others, ("CE_Sandbox", value)], to_data(envelope)) == replace(envelope, sandbox=expected)
