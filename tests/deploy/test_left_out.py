"""Without Java and Maven the Kafka half of the tests is left out with one clear line; in CI that is a failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOME_TESTS = "tests/shared/test_bus.py"


def run_without_java(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", SOME_TESTS]
    cleared = {"PATH": str(tmp_path), "HOME": str(tmp_path), "INTERURBE_KAFKA_LIB": str(tmp_path / "lib"), **environment}
    return subprocess.run(command, env=cleared, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("environment", "code"), [({}, 0), ({"CI": "true"}, 1)])
def test_says_so_once(tmp_path: Path, environment: dict[str, str], code: int) -> None:
    done = run_without_java(tmp_path, **environment)
    assert done.returncode == code, done.stdout
    assert done.stdout.count("Kafka half left out: ") == 1
    assert "[kafka]" not in done.stdout
    assert "[postgres]" in done.stdout
