"""The published catalogue is valid AsyncAPI 3, and says what the classes say."""

import json

import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from deploy.contracts.asyncapi import DOCUMENT, PAGE, document, page
from shared.events import EVENTS
from tests.contracts.source import TOP

SPECIFICATION = TOP / "tests" / "contracts" / "specifications" / "asyncapi-3.0.0.json"


def test_the_document_is_valid_asyncapi() -> None:
    specification = json.loads(SPECIFICATION.read_text())
    assert [error.message for error in Draft7Validator(specification).iter_errors(yaml.safe_load(DOCUMENT.read_text()))] == []


def test_the_document_and_the_page_are_what_the_classes_say() -> None:
    assert yaml.safe_load(DOCUMENT.read_text()) == document(), "run `make asyncapi`"
    assert PAGE.read_text() == page(), "run `make asyncapi`"


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = yaml.safe_load(DOCUMENT.read_text())
    lost = [reference for reference in references(whole) if not leads(whole, reference)]
    assert lost == []


def test_every_example_is_what_its_schema_says() -> None:
    whole = document()
    for event in EVENTS.values():
        schema = {"$ref": f"#/components/schemas/{event.__name__}", "components": whole["components"]}
        for example in whole["components"]["messages"][event.TYPE]["examples"]:
            Draft202012Validator(schema).validate(example["payload"])


def references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def leads(whole: object, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(whole, dict) or step not in whole:
            return False
        whole = whole[step]
    return True
