"""From the bus into a view: each message once, in the order of its subject, in one transaction with the view.

A batch is applied in one transaction; if that fails, message by message, so that one bad fact stops nobody else. The offset
is committed after the database, explicitly; on a failure of the database itself the reader goes back, and nothing is skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from shared.applying import Application
from shared.bus import PARTITIONS, BusError, BusUnavailable, CommitRefused, CorruptBatch, Message, Subscription, TopicPartition
from shared.crash import crash_here
from shared.handling import Handlers
from shared.inbox import Item, Overtaken, read
from shared.loop import Wake

if TYPE_CHECKING:
    from shared.process.runtime import Runtime

_log = structlog.get_logger("interurbe.consumer")

BATCH = 500
SWEEP_SECONDS = 2.0
STANDSTILL_SECONDS = 30.0
ATTEMPTS = 3


class Consumer:
    """The loop that keeps one room's views: ``name`` is ``<service>.<room>``; topics follow from the handlers' facts.

    ``handlers`` maps each event class to its handler (see `shared.handling`). Several processes may run the same consumer:
    they share the partitions, and the marks in the database keep even a zombie among them from applying anything twice.
    """

    poll_seconds = 0.0

    def __init__(self, name: str, runtime: Runtime, handlers: Handlers) -> None:
        self.name, self.wake = name, Wake()
        self.group = f"interurbe.{name}"
        self.topics = sorted({event.TOPIC for event in handlers})
        self.patience = 0.5
        self._bus, self._metrics = runtime.bus, runtime.telemetry.metrics
        self._application = Application(name, runtime, handlers)
        self._subscription: Subscription | None = None
        self._damaged: dict[TopicPartition, int] = {}
        self._progress_at = time.monotonic()
        self._sweep_at = 0.0
        self._trouble: str | None = None
        self._behind = 0

    def trouble(self) -> str | None:
        """What keeps the view from following, if anything does."""
        return self._trouble

    async def step(self) -> int:
        """Read and apply what has come, at most one batch; how many messages were dealt with."""
        try:
            done = await self._read_and_apply()
            done += await self._sweep()
        except CorruptBatch as damage:
            return await self._pass_damage(damage)
        except BusError as error:
            self._trouble = f"the bus cannot be read: {error}"
            raise
        except (DBAPIError, OSError, TimeoutError) as error:
            self._trouble = f"the database does not take the view: {type(error).__name__}: {error}"[:500]
            raise
        self._trouble = self._standstill()
        return done

    async def _read_and_apply(self) -> int:
        subscription = await self._joined()
        async with asyncio.timeout(self.patience + 15.0):
            batches = await subscription.poll(limit=BATCH, timeout=self.patience)
        messages = [message for batch in batches.values() for message in batch]
        if not messages:
            return 0
        try:
            await self._apply([read(message) for message in messages])
            crash_here("consumer.before_offset")
        except BaseException:
            await self._go_back(subscription, batches)
            raise
        self._progress_at = time.monotonic()
        try:
            await subscription.commit({tp: batch[-1].offset + 1 for tp, batch in batches.items()})
        except CommitRefused as refusal:
            _log.info("offsets not kept; these messages will come again and be skipped", consumer=self.name, reason=str(refusal))
        return len(messages)

    async def _apply(self, items: Sequence[Item]) -> None:
        try:
            await self._application.together(items)
        except Overtaken:
            await self._application.together(items)
        except Exception as error:  # noqa: BLE001 - whatever a handler raised: told apart one by one below
            if self._application.is_outage(error):
                raise
            _log.warning("a batch failed and is applied one by one", consumer=self.name, messages=len(items), error=repr(error)[:500])
            for item in items:
                await self._alone(item)

    async def _alone(self, item: Item) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._application.together([item], attempt=attempt)
            except Exception as error:  # noqa: BLE001 - a handler may raise anything; the fact is kept with the reason
                if self._application.is_outage(error):
                    raise
                if attempt == ATTEMPTS:
                    await self._application.set_aside(item, error)
                else:
                    await asyncio.sleep(0.05 * 2**attempt)
            else:
                return

    async def _go_back(self, subscription: Subscription, batches: dict[TopicPartition, list[Message]]) -> None:
        for tp, batch in batches.items():
            await subscription.seek(tp, batch[0].offset)

    async def _sweep(self) -> int:
        """Now and then: apply what waited and has become next, look at the lag, restart a reader that stands still."""
        if time.monotonic() < self._sweep_at and not self._application.someone_waits:
            return 0
        applied = await self._application.sweep()
        self._sweep_at = time.monotonic() + SWEEP_SECONDS
        await self._watch()
        return applied

    async def _watch(self) -> None:
        if self._subscription is None:
            return
        self._behind = sum((await self._subscription.lag()).values())
        if not self._behind:
            self._progress_at = time.monotonic()
        still = time.monotonic() - self._progress_at
        self._metrics.consumer_lag.labels(consumer=self.name).set(self._behind)
        self._metrics.consumer_seconds_since_progress.labels(consumer=self.name).set(still)
        if still > STANDSTILL_SECONDS:
            _log.error("stood still while facts waited: the subscription is opened anew", consumer=self.name, lag=self._behind)
            self._metrics.consumer_restarts_total.labels(consumer=self.name).inc()
            await self._leave()

    def _standstill(self) -> str | None:
        still = time.monotonic() - self._progress_at
        if self._behind and still > STANDSTILL_SECONDS / 2:
            return f"{self._behind} messages wait and none was applied for {still:.0f} s"
        return self._application.trouble

    async def _pass_damage(self, damage: CorruptBatch) -> int:
        """Damaged bytes are tried three times, then recorded and passed; the rest of the partition flows on."""
        self._damaged[damage.tp] = self._damaged.get(damage.tp, 0) + 1
        self._trouble = str(damage)
        if self._damaged[damage.tp] < ATTEMPTS or self._subscription is None:
            return 0
        await self._application.note_damage(damage)
        await self._subscription.seek(damage.tp, damage.after)
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
        if subscription is not None:
            await subscription.close()

    async def close(self) -> None:
        """Leave the group, so that another member takes over at once."""
        await self._leave()

    async def rebuild(self, views: Sequence[str]) -> int:
        """Empty the named view tables and fill them again from the first fact on; how many messages were read.

        The other workers of the service must be stopped: their partitions could not be read again from here.
        """
        subscription = await self._joined()
        for _ in range(20):
            await subscription.poll(limit=1, timeout=0.5)
            if len(subscription.assignment()) >= PARTITIONS * len(self.topics):
                break
        else:
            raise BusUnavailable("another worker reads this consumer's partitions; stop the service's workers, then rebuild")
        await self._application.empty(views)
        await subscription.rewind()
        total = 0
        while True:
            done = await self.step()
            total += done
            if not done and not sum((await subscription.lag()).values()):
                return total
