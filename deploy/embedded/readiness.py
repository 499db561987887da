"""Waiting for what was started: ready, dead, or too slow, and why."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from deploy.embedded.child import Child
from deploy.ports import answers

READY_SECONDS = 90.0
POLL_SECONDS = 0.1
ANSWER_SECONDS = 5.0


class StackFailed(Exception):
    """A part of the product did not come up; the message ends with what it said itself."""


def wait_until_ready(child: Child, url: str, *, seconds: float = READY_SECONDS) -> None:
    """Until GET /readyz says 200. Raises StackFailed when the process ended, or with its reasons when time is up."""
    until = time.monotonic() + seconds
    while (reason := not_ready(url)) is not None:
        if child.pid is None:
            raise StackFailed(f"{child.name} ended while it started. {child.log} ends with:\n{child.last_lines()}")
        if time.monotonic() > until:
            raise StackFailed(f"{child.name} is not ready after {seconds:.0f} s: {reason}. {child.log} ends with:\n{child.last_lines()}")
        time.sleep(POLL_SECONDS)


def wait_until_listening(child: Child, port: int, *, seconds: float = READY_SECONDS) -> None:
    """Until something listens on the port. Raises StackFailed."""
    until = time.monotonic() + seconds
    while not answers(port):
        if child.pid is None or time.monotonic() > until:
            raise StackFailed(f"{child.name} does not listen on port {port}. {child.log} ends with:\n{child.last_lines()}")
        time.sleep(POLL_SECONDS)


def not_ready(url: str) -> str | None:
    """None when the service at this address is ready, else what it says, or that it says nothing."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_SECONDS) as response:  # noqa: S310 -- an http address of ours
            response.read()
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _reasons(error.read())
    except OSError:
        return "it does not answer yet"


def _reasons(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body.decode(errors="replace")[:500]
