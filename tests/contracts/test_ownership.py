"""Only its owner creates an event, and the card at the door of each service tells the truth."""

import inspect
import re
from importlib import import_module

import pytest

from shared.events import EVENTS
from shared.outbox import Aggregate
from tests.contracts.source import SERVICES, calls, code, module

OWNER = {event.__name__: event.TOPIC.rpartition(".")[2] for event in EVENTS.values()}


def created(service: str) -> set[str]:
    """The events a service makes, by class name: called, or built around validation."""
    made = {name for path in code(f"services/{service}") for _, name in calls(path)}
    return {part for name in made for part in re.findall(r"\w+", name) if part in OWNER}


def card(service: str, line: str) -> set[str]:
    """What a line of the card lists; `nothing` is the empty list."""
    words = inspect.getdoc(import_module(f"services.{service}")) or ""
    found = re.search(rf"^{line}: (.+?)(?=^\S|\Z)", words, re.MULTILINE | re.DOTALL)
    assert found, f"services/{service}/__init__.py: the card lacks '{line}: …'"
    return {" ".join(item.split()) for item in found[1].split(",")} - {"nothing"}


@pytest.mark.parametrize("service", SERVICES)
def test_only_its_owner_creates_an_event(service: str) -> None:
    assert {name: OWNER[name] for name in created(service) if OWNER[name] != service} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_event_is_created_by_its_owner(service: str) -> None:
    assert {name for name, owner in OWNER.items() if owner == service} - created(service) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_card_lists_what_is_published(service: str) -> None:
    assert card(service, "Publishes") == created(service)


@pytest.mark.parametrize("service", SERVICES)
def test_card_lists_what_is_consumed(service: str) -> None:
    rooms = [path for path in code(f"services/{service}") if path.endswith("/handlers.py")]
    assert card(service, "Consumes") == {event.__name__ for path in rooms for event in import_module(module(path)).HANDLERS}


@pytest.mark.parametrize("service", SERVICES)
def test_card_lists_what_is_owned(service: str) -> None:
    """Each thing owned is a table ("signing keys" is signing_key); everything that has facts of its own is listed."""
    for path in code(f"services/{service}"):
        if path.endswith(("/models.py", "/views.py")):
            import_module(module(path))
    model = import_module(f"services.{service}.models").Model
    aggregates = {mapper.local_table.name for mapper in model.registry.mappers if issubclass(mapper.class_, Aggregate)}
    owned = {re.sub(r"s$", "", re.sub(r"ies$", "y", thing)).replace(" ", "_") for thing in card(service, "Owns")}
    assert owned - set(model.metadata.tables) == set()
    assert aggregates - owned == set()
