"""The command line of a service: `python -m services.<name> COMMAND`."""

import sys
from typing import TYPE_CHECKING

from shared.settings import load
from shared.settings_errors import SettingsError

if TYPE_CHECKING:
    from shared.process.runtime import Service

WRONG_SETTINGS = 2
LIVING = ("run", "serve", "work")


def main(service: "Service") -> None:
    """Do what the command line says and exit: 0 done, 1 not done, 2 wrong settings or a wrong command line."""
    arguments = sys.argv[1:]
    try:
        if len(arguments) == 1 and arguments[0] in LIVING:
            sys.exit(_live(service, arguments[0]))
        from shared.process.console import console  # noqa: PLC0415 - typer and rich cost memory that a service has no use for

        console(service)(arguments, prog_name=f"python -m services.{service.name}")
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_SETTINGS)


def _live(service: "Service", mode: str) -> int:
    from shared.process.running import Mode, live  # noqa: PLC0415 - the other commands need no server

    settings = load(service.settings)
    if settings.crash:
        from shared.crash import arm  # noqa: PLC0415 - crash tests only

        arm(settings.crash)
    return live(service, settings, Mode(mode))
