"""`make new-migration`: writes what a service's models have and its migrations do not, against a PostgreSQL that lives as long as that."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.util import CommandError
from rich.console import Console

from deploy.embedded.postgres import Cluster
from deploy.ports import free_port
from shared.migrations import new_migration

SERVICES = ("partners", "initiatives", "notifications")


def write(service: str, name: str) -> list[Path]:
    """The files of the new migration. Raises SystemExit when the models ask for nothing new."""
    with TemporaryDirectory(prefix="interurbe-") as folder:
        cluster = Cluster(Path(folder), free_port(), durable=False)
        cluster.start()
        try:
            return new_migration(service, name, cluster.url(service))
        finally:
            cluster.stop()


def main() -> int:
    """0 when a migration was written; read it before committing it."""
    parser = argparse.ArgumentParser(prog="make new-migration", description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("name", help="what changes, in_snake_case; it becomes the file's name")
    chosen = parser.parse_args()
    console = Console(highlight=False)
    try:
        written = write(chosen.service, chosen.name)
    except CommandError as error:
        console.print(f"no migration written: {error}", style="red")
        return 1
    for path in written:
        console.print(f"written {path}: read it; it must work with the code that runs now, and with the new one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
