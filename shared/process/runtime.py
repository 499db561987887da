"""What a running process holds, and what a service brings to it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import MetaData

    from shared.auth import Verifier
    from shared.barring import Bar
    from shared.bus import Bus
    from shared.db import Database
    from shared.http.allowances import Allowances
    from shared.loop import Loop
    from shared.process.checks import Check
    from shared.revoked import Revoked
    from shared.settings import Settings
    from shared.telemetry import Telemetry
    from shared.witness import Witness


class Waker(Protocol):
    """Tells the relay, here or in another process, that a commit recorded facts."""

    def set(self) -> None:
        """Say so; costs next to nothing and never raises."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing /readyz asks about: `ask()` answers None when it is well, else plain words."""

    name: str
    ask: Callable[[], Awaitable[str | None]]


@dataclass(slots=True)
class Runtime:
    """One per process; the edge and the loops take what they need from it."""

    settings: "Settings"
    database: "Database"
    bus: "Bus"
    wake: Waker
    telemetry: "Telemetry"
    verifier: "Verifier | None" = None
    revoked: "Revoked | None" = None
    witness: "Witness | None" = None
    bar: "Bar | None" = None
    allowances: "Allowances | None" = None
    probes: list[Probe] = field(default_factory=list)
    loops: list["Loop"] = field(default_factory=list)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Service:
    """What `services/<name>/__main__.py` hands to `main`.

    `models` gives the service's metadata (for doctor). `checks` are what doctor asks besides the usual.
    `commands` are further subcommands: plain or async functions whose arguments become those of the command line;
    a first argument annotated `Runtime` is filled in.
    """

    name: str
    settings: type["Settings"]
    app: Callable[[Runtime], "FastAPI"]
    loops: Callable[[Runtime], list["Loop"]]
    models: Callable[[], "MetaData"]
    commands: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    checks: Callable[[Runtime], list["Check"]] = lambda _runtime: []
    publishes: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics its facts go to: `interurbe.<name>`, unless `publishes` says otherwise."""
        return self.publishes or (f"interurbe.{self.name}",)
