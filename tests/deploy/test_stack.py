"""The stack without its services: what starts, what is refused, what is found again after a kill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.embedded.addresses import Ports, WrongPort
from deploy.embedded.child import Child
from deploy.embedded.environment import environment_of
from deploy.embedded.occupancy import StackRunning
from deploy.embedded.readiness import StackFailed, wait_until_ready
from deploy.embedded.stack import MAIL, Stack
from deploy.ports import PortTaken, free_port, is_free
from deploy.processes import alive

LIVES = "import time; print('up', flush=True); time.sleep(600)"
DIES = "import sys; print('no database for me', flush=True); sys.exit(3)"

MakeChild = Callable[[str], Child]


@pytest.fixture
def ports() -> Ports:
    return Ports(postgres=free_port(), smtp=free_port(), mail=free_port(), kafka=free_port(), kafka_controller=free_port())


@pytest.fixture
def stack(tmp_path: Path, ports: Ports) -> Iterator[Stack]:
    made = Stack(tmp_path / "var", ports=ports, services=())
    yield made
    made.stop()


@pytest.fixture
def child(tmp_path: Path) -> Iterator[MakeChild]:
    made: list[Child] = []

    def make(program: str) -> Child:
        one = Child("example", [sys.executable, "-c", program], var=tmp_path, directory=tmp_path, environment={})
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()


def test_starts_stops_and_starts_again(stack: Stack, ports: Ports) -> None:
    for _ in range(2):
        stack.start()
        assert httpx.get(f"{ports.url('mail')}/mails.json", timeout=60).json() == []
        stack.stop()
        assert is_free(ports.mail)
        assert is_free(ports.postgres)


def test_refuses_a_second_stack_in_the_same_directory(stack: Stack, tmp_path: Path, ports: Ports) -> None:
    stack.start()
    with pytest.raises(StackRunning, match="INTERURBE_VAR"):
        Stack(tmp_path / "var", ports=ports, services=()).start()
    assert stack.cluster.running


def test_starts_again_what_died(stack: Stack) -> None:
    stack.start()
    stack.cluster.kill()
    stack.children[MAIL].kill()
    assert stack.revive() == ["PostgreSQL", MAIL]
    assert stack.revive() == []


def test_finds_what_a_killed_stack_left_behind(stack: Stack, tmp_path: Path, ports: Ports) -> None:
    stack.start()
    left_behind = stack.children[MAIL].pid
    assert left_behind is not None
    stack._occupancy.leave()  # as the operating system does for a process that was killed
    told: list[str] = []
    second = Stack(tmp_path / "var", ports=ports, services=(), say=told.append)
    second.start()
    assert any("left behind" in line for line in told)
    assert not alive(left_behind)
    second.stop()


def test_stops_everything_when_something_does_not_start(tmp_path: Path, ports: Ports) -> None:
    taken = Ports(postgres=ports.postgres, smtp=ports.smtp, mail=ports.postgres)
    stack = Stack(tmp_path / "var", ports=taken, services=())
    with pytest.raises(PortTaken, match="INTERURBE_PORT_MAIL"):
        stack.start()
    assert not stack.cluster.running


def test_keeps_one_secret_for_the_first_client(stack: Stack, ports: Ports) -> None:
    stack.start()
    told = environment_of("partners", var=stack.var, ports=ports, cluster=stack.cluster, kafka=None)
    assert told["INTERURBE_BOOTSTRAP_CLIENT_SECRET"] == stack.bootstrap_secret
    assert (stack.var / "secrets" / "bootstrap-client").stat().st_mode & 0o077 == 0
    other = environment_of("notifications", var=stack.var, ports=ports, cluster=stack.cluster, kafka="127.0.0.1:1")
    assert "INTERURBE_BOOTSTRAP_CLIENT_SECRET" not in other
    assert "INTERURBE_LOG_URL" not in other
    assert other["INTERURBE_KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:1"
    assert stack.cluster.passwords["partners"] not in str(other)


def test_says_what_a_child_said_before_it_died(child: MakeChild) -> None:
    dying = child(DIES)
    dying.start()
    with pytest.raises(StackFailed, match="no database for me"):
        wait_until_ready(dying, f"http://127.0.0.1:{free_port()}")
    assert dying.died


def test_says_why_a_child_is_not_ready(child: MakeChild) -> None:
    living = child(LIVES)
    living.start()
    with pytest.raises(StackFailed, match="does not answer yet"):
        wait_until_ready(living, f"http://127.0.0.1:{free_port()}", seconds=0.3)
    assert not living.died


def test_ends_a_child_and_its_traces(child: MakeChild, tmp_path: Path) -> None:
    living = child(LIVES)
    living.start()
    pid = living.pid
    assert pid is not None
    living.stop()
    assert not alive(pid)
    assert not (tmp_path / "run" / "example.pid").exists()


def test_never_ends_a_stranger_with_the_same_number(child: MakeChild, tmp_path: Path) -> None:
    stranger = child(LIVES)
    stranger.start()
    ours = Child("ours", [sys.executable, "-m", "services.partners"], var=tmp_path, directory=tmp_path, environment={})
    (tmp_path / "run" / "ours.pid").write_text(str(stranger.pid))
    assert ours.bury() is False
    assert stranger.pid is not None


def test_takes_ports_from_the_environment() -> None:
    ports = Ports.from_environment({"INTERURBE_PORT_PARTNERS": "9001", "INTERURBE_PORT_MAIL": ""})
    assert (ports.partners, ports.initiatives, ports.mail) == (9001, 8002, 8026)
    for wrong in ("http", "0", "65536", "-1", "8 001"):
        with pytest.raises(WrongPort, match="INTERURBE_PORT_PARTNERS"):
            Ports.from_environment({"INTERURBE_PORT_PARTNERS": wrong})
