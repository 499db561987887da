"""Local TCP ports: which are free, who has to give way, and how to say so."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
QUIET_PORTS = (10_500, 32_000)


class PortTaken(Exception):
    """Another program listens where we were told to listen."""


def free_port() -> int:
    """A port nobody listens on at this moment.

    It lies below those that the system gives to outgoing connections: a client that keeps knocking at one of those while its
    server is down can end up connected to itself, and the server finds its port taken.
    """
    while True:
        port = random.randrange(*QUIET_PORTS)  # noqa: S311 -- not a secret
        if is_free(port):
            return port


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
