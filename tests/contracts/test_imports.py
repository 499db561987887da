"""A service stands alone beside shared/, and importing anything does nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.source import SERVICES, TOP, modules

PATH = {"PATH": os.defpath}


def run(words: list[str], where: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A Python of its own in that folder, with that environment and nothing of this process."""
    return subprocess.run(
        [sys.executable, "-W", "error", *words], cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_with_only_shared_beside_it(service: str, tmp_path: Path) -> None:
    for folder in ("shared", f"services/{service}"):
        shutil.copytree(TOP / folder, tmp_path / folder)
    words = [
        f"import importlib, runpy, sys; names, sys.argv = {modules(f'services/{service}')}, ['', '--help']",
        "for name in names: importlib.import_module(name)",
        f"runpy.run_module('services.{service}', run_name='__main__')",
    ]
    done = run(["-W", "ignore::RuntimeWarning:runpy", "-c", "\n".join(words)], tmp_path, PATH)
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_importing_reads_no_environment_and_reaches_nothing() -> None:
    done = run(["-m", "tests.contracts.quiet_import", *modules("shared", "services", "deploy", "bench")], TOP, {})
    assert done.returncode == 0, done.stderr
