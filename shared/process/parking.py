"""`parked`, `republish`, `rebuild`: what an operator does about facts that could not be sent or applied."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from shared.process.checks import Trouble
from shared.process.opening import opened
from shared.process.runtime import Runtime
from shared.settings import load
from shared.telemetry.tracing import trace_id_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from shared.process.runtime import Service

Answer = TypeVar("Answer")
AsJson = Annotated[bool, typer.Option("--json", help="For a machine: one JSON object per line.")]

parked = typer.Typer(help="Facts set aside with a reason: list, retry, discard.", invoke_without_command=True)


@dataclass(frozen=True, slots=True)
class ParkedFact:
    """One fact that waits for an operator; `place` is `outbox`, or the consumer that could not apply it."""

    place: str
    id: str
    subject: str
    sequence: int | None
    kind: str
    reason: str
    since: str
    trace_id: str | None


def _in_session(service: "Service", act: "Callable[[AsyncSession], Awaitable[Answer]]") -> Answer:
    async def act_and_commit() -> Answer:
        async with opened(service, load(service.settings)) as runtime, runtime.database.session() as session:
            answer = await act(session)
            await session.commit()
            return answer

    return asyncio.run(act_and_commit())


async def parked_facts(session: "AsyncSession") -> list[ParkedFact]:
    """Everything that is parked in this service's database, outbox first."""
    from shared.repair import parked_in_inbox, parked_in_outbox  # noqa: PLC0415 - only these commands repair

    outbox = [_of_outbox(row) for row in await parked_in_outbox(session)]
    return outbox + [_of_inbox(row) for row in await parked_in_inbox(session)]


def _of_outbox(row: Any) -> ParkedFact:
    trace = trace_id_of(dict(row.headers).get("traceparent"))
    return ParkedFact("outbox", row.id, row.subject, row.sequence, "refused", row.last_error or "", row.parked_at.isoformat(), trace)


def _of_inbox(row: Any) -> ParkedFact:
    return ParkedFact(row.consumer, row.id, row.subject or "?", row.sequence, row.kind, row.reason, row.parked_at.isoformat(), row.trace_id)


@parked.callback()
def listing(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List what is parked, with the reason and the trace it belongs to."""
    if ctx.invoked_subcommand is not None:
        return
    facts = _in_session(ctx.obj, parked_facts)
    if as_json:
        for fact in facts:
            typer.echo(json.dumps(asdict(fact), ensure_ascii=False))
        return
    typer.echo(as_text(facts))


def as_text(facts: Sequence[ParkedFact]) -> str:
    """The list for a person: two lines a fact."""
    if not facts:
        return "Nothing is parked."
    lines = []
    for fact in facts:
        number = f" number {fact.sequence}" if fact.sequence is not None else ""
        lines.append(f"{fact.id}  {fact.place}  {fact.subject}{number}  {fact.kind} since {fact.since}")
        lines.append(f"    {fact.reason}{f'  (trace {fact.trace_id})' if fact.trace_id else ''}")
    return "\n".join([*lines, f"{len(facts)} parked. `parked retry ID…` tries again, `parked discard ID --reason …` gives one up."])


@parked.command()
def retry(
    ctx: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids from the list.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
) -> None:
    """Try parked facts again: the relay and the consumers take them up within seconds."""
    if bool(ids) == everything:
        raise Trouble("nothing was named to be tried again", "Give ids from the list, or --all.")

    async def again(session: "AsyncSession") -> tuple[int, int]:
        from shared.repair import retry as try_again  # noqa: PLC0415 - only these commands repair

        wanted = ids or [fact.id for fact in await parked_facts(session)]
        return len(wanted), await try_again(session, wanted)

    asked, done = _in_session(ctx.obj, again)
    typer.echo(f"{done} will be tried again.")
    if done < asked:
        raise Trouble(f"{asked - done} of {asked} are not parked", "List what is parked and take the ids from there.")


@parked.command()
def discard(
    ctx: typer.Context,
    parked_id: Annotated[str, typer.Argument(metavar="ID", help="An id from the list.")],
    reason: Annotated[str, typer.Option(help="Why it is given up; kept for whoever misses it later.")],
) -> None:
    """Give up one parked fact, with a reason; what waits behind it goes on."""
    from shared.repair import discard as give_up  # noqa: PLC0415 - only these commands repair

    if not reason.strip():
        raise Trouble("the reason is empty", "Say why, for whoever misses this fact later.")
    typer.echo(_in_session(ctx.obj, lambda session: give_up(session, parked_id, reason)))


def republish(
    ctx: typer.Context,
    subject: Annotated[str | None, typer.Option(help="One thing's facts, e.g. agreement/0199….")] = None,
    since: Annotated[datetime | None, typer.Option(help="Facts recorded from then on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Facts recorded before (UTC).")] = None,
) -> None:
    """Send facts again, in their order; consumers skip what they have seen."""
    from shared.repair import republish as send_again  # noqa: PLC0415 - only these commands repair

    if subject is None and since is None and until is None:
        raise Trouble("nothing was named to be sent again", "Give --subject, or a period with --since and --until.")
    first, last = _utc(since), _utc(until)
    done = _in_session(ctx.obj, lambda session: send_again(session, subject=subject, since=first, until=last))
    typer.echo(f"{done} facts wait for the relay to send them again.")


def _utc(when: datetime | None) -> datetime | None:
    return None if when is None else when.replace(tzinfo=UTC)


def rebuild(
    ctx: typer.Context,
    consumer: Annotated[str, typer.Argument(help="e.g. initiatives.directory")],
) -> None:
    """Empty a consumer's views and fill them again from the first fact on; stop the service's workers first."""
    service: Service = ctx.obj
    done = asyncio.run(_rebuilt(service, consumer))
    typer.echo(f"{consumer}: {done} messages read again.")


async def _rebuilt(service: "Service", name: str) -> int:
    async with opened(service, load(service.settings)) as runtime:
        consumers = _consumers(service, runtime)
        if name not in consumers:
            known = ", ".join(sorted(consumers))
            raise Trouble(f"there is no consumer {name}", f"There are: {known}." if known else "This service consumes nothing.")
        if not consumers[name].views:
            with_views = ", ".join(sorted(other for other, consumer in consumers.items() if consumer.views))
            fix = f"These can be filled anew: {with_views}." if with_views else "Nothing in this service can be filled anew from the log."
            raise Trouble(f"{name} has no view: what it makes of facts is a record of its own, which the log cannot give back", fix)
        await runtime.bus.start()
        try:
            return int(await consumers[name].rebuild())
        finally:
            await consumers[name].close()


def _consumers(service: "Service", runtime: Runtime) -> dict[str, Any]:
    return {loop.name: loop for loop in service.loops(runtime) if hasattr(loop, "rebuild")}
