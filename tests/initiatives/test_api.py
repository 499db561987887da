"""The API's description: every operation says what it is, and its examples are what it takes and gives."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.initiatives.conftest import InitiativesService


@pytest.fixture
async def api(service: InitiativesService) -> dict[str, Any]:
    """The OpenAPI document, as anybody reads it."""
    answer = await service.client_with({}).get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [media for part in parts for media in part.get("content", {}).values()]


async def test_every_operation_has_a_summary_and_examples_that_are_true(api: dict[str, Any]) -> None:
    operations = [(path, operation) for path, item in api["paths"].items() if path.startswith("/v1/") for operation in item.values()]
    assert len(operations) >= 11
    for path, operation in operations:
        assert operation["summary"], path
        for media in bodies(operation):
            assert "example" in media, path
            validator = Draft202012Validator(media["schema"] | {"components": api["components"]})
            assert [error.message for error in validator.iter_errors(media["example"])] == [], path


async def test_every_refusal_of_this_service_is_in_the_catalogue(service: InitiativesService) -> None:
    listed = (await service.client_with({}).get("/problems", headers={"Accept": "application/json"})).text
    for code in (
        "not-entitled",
        "impossible-time",
        "not-a-host",
        "exchange-is-over",
        "unknown-partner",
        "unknown-agreement",
        "partner-barred",
        "partner-not-active",
    ):
        assert code in listed, code
