"""The whole product as real processes, on both buses."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.addresses import Ports
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses
from deploy.embedded.stack import Stack
from deploy.ports import free_port

BUSES = ["postgres", pytest.param("kafka", marks=pytest.mark.kafka)]
ON_ONE_BUS = pytest.mark.parametrize("stack", BUSES[:1], indirect=True, scope="module")
"""For a test of what is the same on both buses."""


def new_stack(directory: Path, bus: str) -> Stack:
    """A stack of its own on free ports."""
    names = ("partners", "initiatives", "notifications", "postgres", "kafka", "kafka_controller", "smtp", "mail")
    return Stack(directory, bus=bus, ports=Ports(**{name: free_port() for name in names}))


def stories_on(stack: Stack, said: list[str]) -> Stories:
    """The stories, to be played on a stack; what they say is kept."""
    ports = stack.ports
    addresses = Addresses(ports.url("partners"), ports.url("initiatives"), ports.url("notifications"), ports.url("mail"))
    return hung_up_in_the_end(Stories(addresses, stack.bootstrap_secret, stack.var / "secrets" / "demo.json", said.append))


def hung_up_in_the_end(stories: Stories) -> Stories:
    """The same stories, whose connections are closed when nobody tells them any more."""
    weakref.finalize(stories, stories.http.close)
    return stories


@pytest.fixture(scope="module", params=BUSES)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack, shared by the tests of a module."""
    made = new_stack(tmp_path_factory.mktemp("stack"), str(request.param))
    made.start()
    yield made
    made.stop()
