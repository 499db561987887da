"""The judge of frozen schemas sees every kind of break, and lets an optional field pass."""

from typing import Any

import pytest
from pydantic import BaseModel, create_model

from deploy.contracts.compatibility import breaks


class Part(BaseModel):
    """A part of a fact."""

    code: str


class Version(BaseModel):
    """What was frozen."""

    subject: str
    count: int
    part: Part
    note: str | None = None


def changed(**fields: Any) -> dict[str, Any]:
    return create_model("Version", __base__=Version, **fields).model_json_schema()


class Grown(Part):
    """The part with one more optional field."""

    label: str | None = None


def test_the_same_shape_is_compatible() -> None:
    assert breaks(Version.model_json_schema(), changed()) == []


def test_an_optional_field_may_be_added_at_any_depth() -> None:
    assert breaks(Version.model_json_schema(), changed(extra=(str | None, None))) == []
    deep = create_model("Version", __base__=Version, part=(create_model("Part", __base__=Grown), ...))
    assert breaks(Version.model_json_schema(), deep.model_json_schema()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": (str, ...)},
        {"count": (str, ...)},
        {"count": (int, 0)},
        {"note": (str, ...)},
        {"note": (str | None, "")},
        {"part": (list[Part], ...)},
    ],
    ids=["required field added", "type changed", "made optional", "made required", "default changed", "one became many"],
)
def test_everything_else_breaks(fields: dict[str, Any]) -> None:
    assert breaks(Version.model_json_schema(), changed(**fields)) != []


def test_a_field_that_went_breaks() -> None:
    assert breaks(changed(extra=(str | None, None)), Version.model_json_schema()) == ["data: 'extra' is gone"]
