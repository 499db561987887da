"""The grammar of facts: names that agree with types, the past tense, and nothing personal."""

import re
from collections.abc import Iterator

import pytest

from shared.events import EVENTS, Event, Value

# Past participles that do not end in -ed.
IRREGULAR = {"undone", "begun", "held", "left", "lost", "made", "met", "sent", "taken", "told", "withdrawn", "withdrew"}
PERSONAL = {
    "address", "birth", "contact", "email", "firstname", "forename", "gender", "ip", "lastname", "mail", "mobile", "passport",
    "person", "phone", "signatory", "surname", "tel", "telephone", "user", "username",
}  # fmt: skip
EACH = pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.TYPE)


@EACH
def test_the_class_is_named_after_its_type(event: type[Event]) -> None:
    camel = "".join(word.capitalize() for word in f"{event.SUBJECT}_{event.FACT}".split("_"))
    assert event.__name__ == camel + ("" if event.VERSION == 1 else f"V{event.VERSION}")


@EACH
def test_a_fact_is_in_the_past_tense(event: type[Event]) -> None:
    assert any(word.endswith("ed") or word in IRREGULAR for word in event.FACT.split("_"))


@EACH
def test_a_fact_says_which_thing_it_is_about(event: type[Event]) -> None:
    assert event.model_fields[event.SUBJECT].is_required()


@EACH
def test_a_fact_carries_nothing_personal(event: type[Event]) -> None:
    assert [name for name in fields(event) if PERSONAL & set(re.split(r"_|\d", name))] == []


@EACH
def test_versions_of_a_fact_follow_one_another(event: type[Event]) -> None:
    earlier = event.TYPE.removesuffix(f".v{event.VERSION}") + f".v{event.VERSION - 1}"
    assert event.VERSION == 1 or earlier in EVENTS


def test_every_part_of_a_fact_is_frozen_and_tolerant() -> None:
    parts = {part for event in EVENTS.values() for part in values(event)}
    assert [part for part in parts if not part.model_config.get("frozen") or part.model_config.get("extra") != "ignore"] == []


def values(model: type[Value]) -> Iterator[type[Value]]:
    """The model and every model inside it."""
    yield model
    definitions = model.model_json_schema().get("$defs", {})
    known = {part.__name__: part for part in Value.__subclasses__()}
    yield from (known[name] for name in definitions if name in known)


def fields(model: type[Value]) -> set[str]:
    return {name for part in values(model) for name in part.model_fields}
