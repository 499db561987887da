"""`make demo`: start everything, play both stories, show and check what happened; with a terminal, stay for exploring."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

import httpx
from rich.console import Console

from deploy.embedded.__main__ import EXPECTED, INTERRUPTED, WATCH_SECONDS, say, stack_of
from deploy.embedded.demo.ending import Ending, Wrong, addresses_to_open
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses, NotYet, Refused
from deploy.embedded.stack import Stack


def play(stack: Stack) -> None:
    """Both stories on a running stack, then the ending; raises Wrong, NotYet or Refused."""
    ports = stack.ports
    addresses = Addresses(ports.url("partners"), ports.url("initiatives"), ports.url("notifications"), ports.url("mail"))
    began = time.monotonic()
    stories = Stories(
        addresses,
        stack.bootstrap_secret,
        stack.var / "secrets" / "demo.json",
        lambda line: say(f"{time.monotonic() - began:5.1f} s  {line}"),
    )
    stories.play()
    ending = Ending(stories, stack.var / "traces")
    ending.check()
    say(f"{time.monotonic() - began:5.1f} s  both stories are told, and everybody who should know was told\n")
    ending.show(Console(width=None if sys.stdout.isatty() else 140))
    say(f"\n{addresses_to_open(addresses)}")


def watch(stack: Stack, ended: threading.Event) -> None:
    """Start again whatever dies, until ended."""
    while not ended.wait(WATCH_SECONDS):
        for name in stack.revive():
            say(f"{name} had died and was started again; see {stack.var / 'log'}")


def demo(stack: Stack, *, stay: bool) -> None:
    """Start, play, stay if asked to, and stop everything that was started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack.start()
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(stack, ended), name="watch", daemon=True)
    watcher.start()
    try:
        play(stack)
        if stay:
            say("\nEverything stays up for exploring. Ctrl-C stops it.")
            ended.wait()
    except KeyboardInterrupt:
        say("\nStopping …")
        if not stay:
            raise
    finally:
        ended.set()
        watcher.join()
        stack.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; the exit code is 0 when everything was as the stories expect, else 1 with what differs."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.demo", description="Both stories on this machine, checked.")
    parser.add_argument("--bus", choices=("postgres", "kafka"), default="postgres", help="where the event log is (default postgres)")
    told = parser.parse_args(arguments)
    try:
        demo(stack_of(told.bus), stay=sys.stdout.isatty() and not os.environ.get("ONCE"))
    except (Wrong, NotYet, Refused, httpx.HTTPError) as error:
        sys.stderr.write(f"\nThe demo did not end as it should:\n{error}\n")
        return 1
    except EXPECTED as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
