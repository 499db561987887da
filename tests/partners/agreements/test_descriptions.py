"""Every body and answer is described with an example that is true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from services.partners.agreements.drafting.schemas import NewAgreement
from services.partners.agreements.history.schemas import PastAgreement
from services.partners.agreements.negotiation.schemas import Abandonment, Approval, NewRevision
from services.partners.agreements.record.schemas import AgreementOut
from services.partners.agreements.revisions.schemas import RevisionOut
from services.partners.agreements.signing.schemas import SignatureBody, SignatureRequest
from tests.partners.agreements.conftest import Table, good, refused

BODIES = [NewAgreement, PastAgreement, Abandonment, Approval, NewRevision, AgreementOut, RevisionOut, SignatureBody, SignatureRequest]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body.__name__))
def test_the_example_of_each_body_fits_it(body: type[BaseModel]) -> None:
    example: Any = body.model_json_schema()["example"]
    body.model_validate(example)


async def test_the_example_of_a_draft_can_be_sent_as_it_stands(table: Table) -> None:
    example = json.dumps(NewAgreement.model_json_schema()["example"])
    text = example.replace("01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f", table.medellin.partner)
    text = text.replace("01939f6e-8f1b-7d10-8a41-5b6c7d8e9f01", table.kyiv.partner)
    agreement = good(await table.medellin.post("/v1/agreements", json=json.loads(text)), 201)
    AgreementOut.model_validate(agreement)


async def test_every_operation_has_a_summary_and_an_example_for_each_body(table: Table) -> None:
    paths = (await table.service.anyone.get("/openapi.json")).json()["paths"]
    ours = {path: item for path, item in paths.items() if path.startswith("/v1/agreements")}
    assert len(ours) == 12
    for path, item in ours.items():
        for method, operation in item.items():
            assert operation["summary"], (path, method)
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            media = [kind for body in bodies for kind in body.get("content", {}).values()]
            assert all("example" in kind for kind in media), (path, method)


async def test_our_refusals_are_in_the_catalogue(table: Table) -> None:
    codes = {problem["code"] for problem in (await table.service.anyone.get("/problems")).json()["problems"]}
    assert codes >= {
        "wrong-state", "stale-terms", "already-signed", "already-approved", "not-a-party", "not-your-role", "not-for-another",
        "signature-blocked", "terms-over", "too-few-parties", "party-twice", "unknown-commitment", "nothing-changed",
    }  # fmt: skip
    refused(await table.service.anyone.get("/v1/agreements"), 401, "token-missing")
