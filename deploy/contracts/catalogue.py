"""Who publishes and who consumes which fact, read from the event classes and from every room's HANDLERS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from shared.events import EVENTS, Event

TOP = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A room that acts on facts: `initiatives.directory`."""

    name: str
    events: tuple[type[Event], ...]


def topics() -> dict[str, list[type[Event]]]:
    """The events of every topic, in the order in which they are declared."""
    found: dict[str, list[type[Event]]] = {}
    for event in EVENTS.values():
        found.setdefault(event.TOPIC, []).append(event)
    return found


def consumers() -> list[Consumer]:
    """Every room with handlers, by name."""
    return sorted(_consumers(), key=lambda consumer: consumer.name)


def _consumers() -> Iterator[Consumer]:
    for path in (TOP / "services").rglob("handlers.py"):
        room = ".".join(path.relative_to(TOP).parent.parts)
        handled = import_module(f"{room}.handlers").HANDLERS
        yield Consumer(room.removeprefix("services."), tuple(event for event in EVENTS.values() if event in handled))
