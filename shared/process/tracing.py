"""`trace`: one trace as a tree, from the span files of every service on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from shared.process.checks import Trouble
from shared.settings import TelemetrySettings, load
from shared.telemetry.tracetree import TraceNotFound, load_trace, tree


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 digits as in logs, problem answers and the X-Trace-Id of a mail; 8 will do.")],
    folder: Annotated[Path | None, typer.Option(help="Where the span files are; INTERURBE_TRACES_DIR when not given.")] = None,
) -> None:
    """Print one trace as a tree: from the request over the bus to the mail."""
    settings = load(TelemetrySettings)
    if settings.otlp_endpoint is not None and folder is None:
        typer.echo(f"Traces of this service go to the collector at {settings.otlp_endpoint}: look for {trace_id} where it keeps them.")
        typer.echo(f"Files of before are in {settings.traces_dir}, if any; --folder reads them.")
        return
    try:
        typer.echo(tree(load_trace(folder or settings.traces_dir, trace_id)))
    except TraceNotFound as nothing:
        fix = "Spans are written half a second late; INTERURBE_TRACES_DIR must be the folder the services write to."
        raise Trouble(str(nothing), fix) from None
