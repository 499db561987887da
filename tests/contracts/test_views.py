"""What a rebuild empties is all that the room's handlers fill, and nothing that the log could not give back."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from deploy.contracts.catalogue import consumers
from shared.outbox import Aggregate

WITH_MODELS = [consumer.name for consumer in consumers() if find_spec(f"services.{consumer.name}.models")]
ROOMS = [room for room in WITH_MODELS if hasattr(import_module(f"services.{room}.models"), "VIEWS")]


def models(room: str) -> list[Any]:
    """The mapped classes that the room declares."""
    found = vars(import_module(f"services.{room}.models"))
    return [item for item in found.values() if hasattr(item, "__table__") and item.__module__ == f"services.{room}.models"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_view_of_a_room_is_forgotten(room: str) -> None:
    assert set(import_module(f"services.{room}.models").VIEWS) == set(models(room))


@pytest.mark.parametrize("room", ROOMS)
def test_no_view_is_a_record_of_our_own_and_none_hangs_on_it(room: str) -> None:
    views = import_module(f"services.{room}.models").VIEWS
    assert [view for view in views if issubclass(view, Aggregate)] == []
    tables = {view.__tablename__ for view in views}
    everybody = views[0].metadata.tables.values()
    assert [str(key) for table in everybody for key in table.foreign_keys if key.column.table.name in tables] == []


def test_directories_can_be_filled_anew() -> None:
    assert {"initiatives.directory", "notifications.directory"} <= set(ROOMS)
