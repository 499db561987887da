"""Local TCP ports: which are free, who has to give way, and how to say so."""

from __future__ import annotations

import random
import socket
import sys

HOST = "127.0.0.1"
QUIET_PORTS = (10_500, 32_000)
_CLAIMED: set[int] = set()
_RANDOM = random.SystemRandom()  # not the one that tests seed: two runs with one seed would choose the same ports


class PortTaken(Exception):
    """Another program listens where we were told to listen."""


def free_port() -> int:
    """A port nobody listens on at this moment, given out once: whoever asks while this process lives, here or in another, gets another.

    It lies below those that the system gives to outgoing connections: a client that keeps knocking at one of those while its
    server is down can end up connected to itself, and the server finds its port taken.
    """
    while True:
        port = _RANDOM.randrange(*QUIET_PORTS)
        if is_free(port) and _claimed(port):
            return port


def _claimed(port: int) -> bool:
    """Whether nobody on this machine was given the port before: a server takes seconds from when its port is chosen until it listens."""
    if port in _CLAIMED:
        return False
    if sys.platform == "linux":  # elsewhere there are no names that end with their process
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0interurbe-port-{port}")
        except OSError:
            claim.close()
            return False
        claim.detach()  # open until the process ends, and with it the claim
    _CLAIMED.add(port)
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now (a socket in TIME_WAIT does not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def demand_free(port: int, what: str, setting: str) -> None:
    """Raises PortTaken, naming the port, what needs it and the environment variable that moves it."""
    if not is_free(port):
        raise PortTaken(
            f"Port {port}, wanted for {what}, is taken by another program. Stop that program, or choose another: {setting}={port + 100}"
        )


def answers(port: int, *, seconds: float = 0.5) -> bool:
    """Whether something accepts connections on this port of the loopback address."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds):
            return True
    except OSError:
        return False
