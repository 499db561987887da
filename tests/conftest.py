"""Fixtures of every test, and the one line that says when the Kafka half was left out."""

from __future__ import annotations

import os

import pytest
import structlog
from hypothesis import HealthCheck, settings

from deploy.kafka.jars import missing_tools

pytest_plugins = ["tests.fixtures.postgres", "tests.fixtures.buses", "tests.fixtures.servers", "tests.fixtures.logs"]

# A busy machine is no defect. What passed on one machine passes on the next: the examples are the same unless one explores.
settings.register_profile(
    "explore", parent=settings.default, derandomize=False, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("untimed", parent=settings.get_profile("explore"), derandomize=True)
settings.load_profile("untimed")

# By itself structlog shows what every frame of a traceback holds: ten seconds, in which the event loop stands still, for a failed request.
_PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])

LEFT_OUT = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what needs a real Kafka where there is none."""
    of_kafka = [item for item in items if item.get_closest_marker("kafka")]
    problem = missing_tools() if of_kafka else None
    if problem is None:
        return
    config.stash[LEFT_OUT] = f"Kafka half left out: {len(of_kafka)} tests, because {problem}"
    items[:] = [item for item in items if not item.get_closest_marker("kafka")]
    config.hook.pytest_deselected(items=of_kafka)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI the half that was left out is a failure: otherwise nobody would notice for months."""
    if LEFT_OUT in session.config.stash and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Ends the run with the line about Kafka, if there is one."""
    line = config.stash.get(LEFT_OUT, None)
    if line and os.environ.get("CI") == "true":
        terminalreporter.write_line(f"{line}. With CI=true that is a failure.", red=True, bold=True)
    elif line:
        terminalreporter.write_line(line, yellow=True, bold=True)
