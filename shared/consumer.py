"""From the bus into a view: each message once, in the order of its subject, in one transaction with the view.

A batch is applied in one transaction; if that fails, message by message, so that one bad fact stops nobody else. The offset
is committed after the database, explicitly, while the next batch is on its way; on a failure of the database itself the reader
goes back, and nothing is skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from shared.applying import ATTEMPTS, Application
from shared.bus import PARTITIONS, BusError, BusUnavailable, CorruptBatch, Message, Subscription, TopicPartition
from shared.course import Course
from shared.crash import crash_here
from shared.handling import Handlers
from shared.inbox import read
from shared.loop import Wake
from shared.offsets import Offsets
from shared.outbox import Aggregate
from shared.sweeping import Sweep

if TYPE_CHECKING:
    from shared.process.runtime import Runtime

_log = structlog.get_logger("interurbe.consumer")

BATCH = 500
SWEEP_SECONDS = 2.0
AGAIN_SECONDS = 0.1
HANGS_SECONDS = 15.0
STANDSTILL_SECONDS = 30.0


class Consumer:
    """The loop that keeps one room's views: ``name`` is ``<service>.<room>``; topics follow from the handlers' facts.

    ``handlers`` maps each event class to its handler (see `shared.handling`). ``views`` are the models that these handlers alone
    fill, from facts alone: `rebuild` empties them, so nothing belongs there that the log cannot give back. Several processes may run
    the same consumer: they share the partitions, and the marks in the database keep even a zombie among them from applying
    anything twice.
    """

    poll_seconds = 0.0

    def __init__(self, name: str, runtime: Runtime, handlers: Handlers, views: Sequence[type[Any]] = ()) -> None:
        self.name, self.wake = name, Wake()
        self.views = _tables(views)
        self.group = f"interurbe.{name}"
        self.topics = sorted({event.TOPIC for event in handlers})
        self.patience = 0.5
        self._bus, self._metrics = runtime.bus, runtime.telemetry.metrics
        self._application = Application(name, runtime, handlers)
        self._sweep = Sweep(name, runtime, self._application)
        self._subscription: Subscription | None = None
        self._course = Course(self._bus, self.topics)
        self._offsets = Offsets(name)
        self._damaged: dict[TopicPartition, int] = {}
        self._progress_at = time.monotonic()
        self._sweep_at = self._again_at = self._watch_at = 0.0
        self._asking: asyncio.Task[dict[TopicPartition, int]] | None = None
        self._trouble: str | None = None
        self._behind = 0

    def trouble(self) -> str | None:
        """What keeps the view from following, if anything does."""
        return self._trouble

    async def step(self) -> int:
        """Apply what waited and has become next, then what has come, at most one batch; how many messages were dealt with."""
        try:
            done = await self._sweep_now_and_then()
            done += await self._read_and_apply()
            await self._watch()
        except CorruptBatch as damage:
            return await self._pass_damage(damage)
        except BusError as error:
            self._trouble = f"the bus cannot be read: {error}"
            raise
        except Exception as error:  # whatever it was is told to /readyz and raised again
            self._trouble = f"the view cannot follow: {type(error).__name__}: {error}"[:500]
            raise
        self._trouble = self._standstill()
        return done

    async def _read_and_apply(self) -> int:
        subscription = await self._joined()
        batches = await self._poll(subscription)
        messages = [message for batch in batches.values() for message in batch]
        if not messages:
            return 0
        try:
            for hole in await self._course.holes(subscription, batches):
                await self._application.note_loss(hole)
            await self._application.apply([read(message) for message in messages])
            crash_here("consumer.before_offset")
        except BaseException:  # cancelled or failed, these messages must be read again; raised again
            await self._go_back(subscription, batches)
            raise
        self._progress_at = time.monotonic()
        for tp, batch in batches.items():
            self._course.passed(tp, batch[-1].offset + 1)
        await self._offsets.keep(subscription, {tp: batch[-1].offset + 1 for tp, batch in batches.items()})
        return len(messages)

    async def _poll(self, subscription: Subscription) -> dict[TopicPartition, list[Message]]:
        """What has come. A poll that hangs is given up together with its subscription: what it may have read must be read again."""
        try:
            async with asyncio.timeout(self.patience + HANGS_SECONDS):
                return await subscription.poll(limit=BATCH, timeout=self.patience)
        except TimeoutError as error:
            await self._leave()
            raise BusUnavailable("reading did not return; the subscription is opened anew") from error

    async def _go_back(self, subscription: Subscription, batches: dict[TopicPartition, list[Message]]) -> None:
        """Read these again next time: from their place, or, if the reader cannot be put back, as whoever comes next would."""
        try:
            for tp, batch in batches.items():
                await subscription.seek(tp, batch[0].offset)
        except Exception:  # noqa: BLE001 - whatever it was: what was committed is where a new subscription begins
            _log.exception("could not go back; the subscription is opened anew", consumer=self.name)
            await self._leave()

    async def _sweep_now_and_then(self) -> int:
        """Every two seconds, and sooner while facts wait; the more it takes, the more rarely."""
        began = time.monotonic()
        if began < (self._again_at if self._application.someone_waits else self._sweep_at):
            return 0
        looked_at = await self._sweep.apply()
        if began >= self._sweep_at:
            await self._sweep.count()
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
        took = time.monotonic() - began
        self._again_at = time.monotonic() + max(AGAIN_SECONDS, 5 * took)
        return looked_at

    async def _watch(self) -> None:
        """Every two seconds: how far behind are we? It is asked beside the reading: at a broker the question waits behind a long poll."""
        if self._subscription is None:
            return
        if self._asking is None and time.monotonic() >= self._watch_at:
            self._watch_at = time.monotonic() + SWEEP_SECONDS
            await self._offsets.kept()
            self._asking = asyncio.create_task(self._subscription.lag())
        if self._asking is not None and self._asking.done():
            asked, self._asking = self._asking, None
            self._behind = sum(asked.result().values())
            await self._look(self._subscription)
            await self._see_to_progress()

    async def _see_to_progress(self) -> None:
        if not self._behind:
            self._progress_at = time.monotonic()
        still = time.monotonic() - self._progress_at
        self._metrics.consumer_lag.labels(consumer=self.name).set(self._behind)
        self._metrics.consumer_seconds_since_progress.labels(consumer=self.name).set(still)
        if still > STANDSTILL_SECONDS:
            _log.error("stood still while facts waited: the subscription is opened anew", consumer=self.name, lag=self._behind)
            self._metrics.consumer_restarts_total.labels(consumer=self.name).inc()
            await self._leave()

    async def _look(self, subscription: Subscription) -> None:
        """Note what left the log unread, and pass it; read a log that is another one than before from its beginning."""
        holes, changed = await self._course.look(subscription)
        for hole in holes:
            await self._application.note_loss(hole)
            self._course.passed(hole.tp, hole.until)
            await subscription.commit({hole.tp: hole.until})
        if changed:
            _log.error("the log is another one than before: it is read from its beginning", consumer=self.name)
            await subscription.rewind()

    def _standstill(self) -> str | None:
        still = time.monotonic() - self._progress_at
        if self._behind and still > STANDSTILL_SECONDS / 2:
            return f"{self._behind} messages wait and none was applied for {still:.0f} s"
        return self._sweep.trouble

    async def _pass_damage(self, damage: CorruptBatch) -> int:
        """Damaged bytes are tried three times, then recorded and passed; the rest of the partition flows on."""
        self._damaged[damage.tp] = self._damaged.get(damage.tp, 0) + 1
        self._trouble = str(damage)
        if self._damaged[damage.tp] < ATTEMPTS or self._subscription is None:
            return 0
        await self._application.note_damage(damage)
        await self._subscription.seek(damage.tp, damage.after)
        self._course.passed(damage.tp, damage.after)
        del self._damaged[damage.tp]
        return 1

    async def _joined(self) -> Subscription:
        if self._subscription is None:
            subscription = self._bus.subscribe(self.group, self.topics)
            await subscription.start()
            self._subscription = subscription
            self._progress_at = time.monotonic()
        return self._subscription

    async def _leave(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._progress_at = time.monotonic()
        asking, self._asking = self._asking, None
        if asking is not None and not asking.cancel() and not asking.cancelled():
            asking.exception()  # seen: the subscription it was about is given up
        if subscription is not None:
            await self._offsets.let_go()
            await subscription.close()

    async def close(self) -> None:
        """Leave the group, so that another member takes over at once."""
        await self._leave()

    async def rebuild(self) -> int:
        """Empty the views and fill them again from the first fact on; how many messages were read.

        The other workers of the service must be stopped: their partitions could not be read again from here. What has left the log
        meanwhile is noted, as for any reader that comes too late. Raises ValueError for a consumer without views: to do again what
        else its handlers did would do it twice.
        """
        if not self.views:
            raise ValueError(f"{self.name} has no view: what it makes of facts is a record of its own")
        subscription = await self._joined()
        for _ in range(20):
            await subscription.poll(limit=1, timeout=0.5)
            if len(subscription.assignment()) >= PARTITIONS * len(self.topics):
                break
        else:
            raise BusUnavailable("another worker reads this consumer's partitions; stop the service's workers, then rebuild")
        await self._offsets.kept()
        await subscription.commit(dict.fromkeys(subscription.assignment(), 0))  # first: whoever goes on after a crash then reads all of it
        await self._application.empty(self.views)
        self._course.begin_anew()
        ends = await subscription.ends()  # no further: who publishes all the time would never let it come to an end
        await subscription.rewind()
        total = 0
        while not self._course.reached(ends):
            done = await self.step()
            total += done
            await self._offsets.kept()
            if not done and not sum((await subscription.lag()).values()):
                break
        return total


def _tables(views: Sequence[type[Any]]) -> tuple[str, ...]:
    """The names of their tables. Raises TypeError for a thing we are the authority for: no log could give it back."""
    ours = [view.__name__ for view in views if issubclass(view, Aggregate)]
    if ours:
        raise TypeError(f"{', '.join(ours)}: records of our own, not views")
    return tuple(view.__tablename__ for view in views)
