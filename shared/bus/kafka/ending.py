"""Ending aiokafka's clients for certain: their own `stop()` may wait for a broker that never answers again."""

# ruff: noqa: SLF001 -- aiokafka offers no way to end a client that hangs, so its parts are ended one by one
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.errors import KafkaError

GRACE_SECONDS = 3.0
FORCE_SECONDS = 1.0


async def end_producer(producer: Any, *, gracefully: bool) -> None:
    """Stops a producer within 5 s; without grace what it still holds is dropped and its connections are cut at once."""
    if gracefully and await _within(GRACE_SECONDS, producer.stop()):
        return
    # Marked as closed, so that nothing can be added and nothing is said when it is collected.
    producer._closed = True
    sender = producer._sender
    await _cut([sender, sender._txn_manager, producer._message_accumulator], producer.client)


async def end_consumer(consumer: Any, *, gracefully: bool) -> None:
    """Stops a consumer within 5 s, leaving its group when the broker still listens."""
    if gracefully and await _within(GRACE_SECONDS, consumer.stop()):
        return
    consumer._closed = True
    await _cut([consumer._coordinator, consumer._fetcher], consumer._client)


@asynccontextmanager
async def ended_unless_started(client: Any, end: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
    """Around the start of a producer or consumer: one that does not come to its end, a cancelled one too, leaves nothing behind."""
    try:
        yield
    except BaseException:  # whatever stopped the start; raised again
        await end(client, gracefully=False)
        raise


async def start_admin(admin: Any) -> None:
    """Starts an admin client. Given up half-way it would leave a connection behind, so a cancellation waits for it, a second at most."""
    starting = asyncio.create_task(admin.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=FORCE_SECONDS)
        if starting.cancel() is False and not starting.cancelled():
            starting.exception()
        raise


async def end_admin(admin: Any) -> None:
    """Stops an admin client."""
    await _within(FORCE_SECONDS, admin.close())


@contextmanager
def no_stray_cancellation() -> Iterator[None]:
    """Turns a CancelledError that nobody asked of this task into a KafkaError: aiokafka cancels parts of its own and waits for them."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise KafkaError("a request was given up by the client") from error


async def _cut(owners: list[Any], client: Any) -> None:
    """Cancels the background tasks of these objects and closes the client's connections.

    aiokafka keeps no list of the tasks that carry its requests, so they are found by whose method they run.
    """
    tasks = [task for task in asyncio.all_tasks() if _works_for(task, [*owners, client])]
    for task in tasks:
        task.cancel()
    await _within(FORCE_SECONDS, client.close())
    if tasks:
        await asyncio.wait(tasks, timeout=FORCE_SECONDS)


def _works_for(task: asyncio.Task[Any], owners: list[Any]) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    if frame is None or task is asyncio.current_task():
        return False
    owner = frame.f_locals.get("self")
    return owner is not None and any(owner is candidate for candidate in owners)


async def _within(seconds: float, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work came to a good end in time.

    It runs as a task of its own: while the broker is away aiokafka lets the cancellation of its own parts escape, which must not
    look like a cancellation of ours.
    """
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=FORCE_SECONDS)
        return False
    return not task.cancelled() and task.exception() is None
