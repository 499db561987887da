"""`python -m deploy.embedded up [--bus kafka]`: the whole product on this machine until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from deploy.embedded.addresses import Ports, WrongPort
from deploy.embedded.demotion import CannotDemote
from deploy.embedded.occupancy import StackRunning
from deploy.embedded.postgres import ClusterFailed
from deploy.embedded.stack import Stack, StackFailed
from deploy.kafka.jars import KafkaUnavailable
from deploy.ports import PortTaken

EXPECTED = (CannotDemote, ClusterFailed, KafkaUnavailable, PortTaken, StackFailed, StackRunning, WrongPort)
WATCH_SECONDS = 2.0
INTERRUPTED = 130


def say(line: str) -> None:
    """One line for who is looking."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def stack_of(bus: str) -> Stack:
    """The stack that INTERURBE_VAR and INTERURBE_PORT_… ask for."""
    var = Path(os.environ.get("INTERURBE_VAR") or "var")
    return Stack(var, bus=bus, ports=Ports.from_environment(os.environ), say=say)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m deploy.embedded", description="The whole product on this machine.")
    up = made.add_subparsers(dest="command", required=True).add_parser("up", help="start everything and stay until Ctrl-C")
    up.add_argument("--bus", choices=("postgres", "kafka"), default="postgres", help="where the event log is (default postgres)")
    return made


def up(stack: Stack) -> None:
    """Starts the stack, says where to look, watches over it, and stops it when asked to (SIGINT, SIGTERM)."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack.start()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    say(f"\nEverything is up. Services: {', '.join(stack.ports.url(name) for name in ('partners', 'initiatives', 'notifications'))}")
    say(f"Mails: {stack.ports.url('mail')}   Data and logs: {stack.var}   Ctrl-C stops everything.")
    try:
        while not ended.wait(WATCH_SECONDS):
            for name in stack.revive():
                say(f"{name} had died and was started again; see {stack.var / 'log'}")
    finally:
        say("\nStopping …")
        stack.stop()


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 1 with a message for anything that can be mended by who reads it."""
    told = parser().parse_args(arguments)
    try:
        up(stack_of(told.bus))
    except EXPECTED as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
