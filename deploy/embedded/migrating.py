"""Bringing the database of a service up to date before it starts, when there is anything new."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from deploy.embedded.environment import ROOT
from deploy.embedded.readiness import StackFailed

MIGRATE_SECONDS = 120.0


def migrate(name: str, environment: dict[str, str], *, stamps: Path) -> None:
    """Runs `python -m services.NAME migrate`, unless its migrations are those of the last time. Raises StackFailed.

    `stamps` lies inside the cluster's directory: who deletes the data deletes the memory of migrations with it.
    """
    stamp = stamps / f"migrated-{name}"
    wanted = _fingerprint(ROOT / "services" / name / "migrations")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    command = [sys.executable, "-m", f"services.{name}", "migrate"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=MIGRATE_SECONDS,
    )
    if done.returncode != 0:
        raise StackFailed(f"The database of {name} could not be brought up to date:\n{done.stdout[-3000:].strip()}")
    stamp.write_text(wanted)


def _fingerprint(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*.py")):
        digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
