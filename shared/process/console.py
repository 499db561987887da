"""The operator's commands, each in a module of its own; loaded only when one is asked for."""

import asyncio
import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import typer
from sqlalchemy.exc import DBAPIError

from shared.bus import BusError
from shared.process import doctor, migrating, parking, tracing
from shared.process.checks import Trouble
from shared.process.opening import opened
from shared.process.runtime import Runtime
from shared.refusals import Refusal
from shared.settings import load

if TYPE_CHECKING:
    from shared.process.runtime import Service

Run = Callable[..., None]


def console(service: "Service") -> Run:
    """The command line of a service, as a function of its arguments; it exits by itself."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=f"The {service.name} service. Settings come from variables INTERURBE_*, or from the file INTERURBE_ENV_FILE names.",
    )
    for mode, says in _LIVING.items():
        app.command(mode, help=says)(_listed)
    app.command("migrate")(migrating.migrate)
    app.command("doctor")(doctor.doctor)
    app.command("republish")(parking.republish)
    app.command("rebuild")(parking.rebuild)
    app.command("trace")(tracing.trace)
    app.add_typer(parking.parked, name="parked")
    for name, command in service.commands.items():
        app.command(name)(adapted(service, command))
    return partial(_told, app, obj=service)


_LIVING = {
    "run": "Answer requests and do the work behind them, in one process.",
    "serve": "Only answer requests.",
    "work": "Only relay, consume and act on time; probes and metrics on INTERURBE_WORKER_PORT.",
}


def _listed() -> None:
    """Stand in the list of commands; `main` has taken these before it came here."""


def _told(app: typer.Typer, arguments: list[str], **more: Any) -> None:
    """Run the command; what an operator can mend is said in words, without a traceback."""
    try:
        app(arguments, **more)
    except Trouble as trouble:
        sys.exit(f"{trouble.wrong[:1].upper()}{trouble.wrong[1:]}.\n  {trouble.fix}")
    except Refusal as refusal:
        sys.exit(f"{refusal.detail}\n  {refusal.fix or ''}".rstrip())
    except (DBAPIError, OSError, BusError, TimeoutError) as error:
        words = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        sys.exit(f"Not done: {words or type(error).__name__}.\n  `doctor` says what is wrong and how to mend it.")


def adapted(service: "Service", command: Callable[..., Any]) -> Run:
    """A service's own command for the command line: coroutines are run, and a first argument of type Runtime is filled in."""
    signature = inspect.signature(command, eval_str=True)
    wanted = list(signature.parameters.values())
    wants_runtime = bool(wanted) and wanted[0].annotation is Runtime

    def run(**given: Any) -> None:
        result = _with_runtime(service, command, given) if wants_runtime else command(**given)
        if inspect.isawaitable(result):
            asyncio.run(_awaited(result))

    run.__doc__ = command.__doc__
    visible = wanted[1:] if wants_runtime else wanted
    run.__signature__ = signature.replace(parameters=visible)  # type: ignore[attr-defined]  # what typer and inspect read
    run.__annotations__ = {one.name: one.annotation for one in visible}
    return run


async def _with_runtime(service: "Service", command: Callable[..., Any], given: dict[str, Any]) -> None:
    async with opened(service, load(service.settings)) as runtime:
        result = command(runtime, **given)
        if inspect.isawaitable(result):
            await result


async def _awaited(result: Any) -> None:
    await result
