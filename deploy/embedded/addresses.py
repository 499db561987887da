"""Which port each part of the product listens on, and the environment variable that moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from deploy.ports import HOST

PREFIX = "INTERURBE_PORT_"
HIGHEST = 65_535


class WrongPort(Exception):
    """A port that cannot be one."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One port each, all on the loopback address."""

    partners: int = 8001
    initiatives: int = 8002
    notifications: int = 8003
    postgres: int = 8010
    kafka: int = 8019
    kafka_controller: int = 8020
    smtp: int = 8025
    mail: int = 8026

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """INTERURBE_PORT_PARTNERS and so on, where set. Raises WrongPort naming the variable and the rule."""
        told: dict[str, int] = {}
        for name in (field.name for field in fields(cls)):
            text = environment.get(setting_of(name), "").strip()
            if text:
                told[name] = _port(setting_of(name), text)
        return cls(**told)

    def url(self, name: str) -> str:
        """http://127.0.0.1:PORT of a service, or of the page of the mail sink (`mail`)."""
        return f"http://{HOST}:{getattr(self, name)}"


def setting_of(name: str) -> str:
    """The environment variable that moves this port."""
    return PREFIX + name.upper()


def _port(setting: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST:
        raise WrongPort(f"{setting}={text} is not a port: give a number from 1 to {HIGHEST}, or leave it out")
    return int(text)
