"""Ports for servers that start: nobody else is given one in the seconds until it is listened on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.embedded.environment import ROOT
from deploy.ports import _claimed, free_port

ASK = "import sys; from deploy.ports import _claimed; print(_claimed(int(sys.argv[1])))"


def asked_elsewhere(port: int) -> str:
    """What another process is told that would have the port."""
    return subprocess.run([sys.executable, "-c", ASK, str(port)], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_a_port_is_given_out_once() -> None:
    assert not _claimed(free_port())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no names that end with their process")
def test_a_port_given_out_here_is_given_to_no_other_process_before_it_is_listened_on() -> None:
    port = free_port()
    assert asked_elsewhere(port) == "False"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no names that end with their process")
def test_what_a_process_claimed_is_free_again_after_its_end() -> None:
    port = free_port()
    assert [asked_elsewhere(port + 32_000) for _ in range(2)] == ["True", "True"]  # a name only: nobody asks for ports up there
