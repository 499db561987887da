"""The loop that sends: claims what is due, lets carriers send it, marks what became of it; no transaction is open meanwhile."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from services.notifications.mail import queue
from services.notifications.mail.carrying import Desk, carry
from services.notifications.mail.composing import Composer, Letter, letter_of
from services.notifications.mail.pool import Pool
from services.notifications.mail.queue import Hold, Mark, Written
from services.notifications.mail.rendering import Templates
from services.notifications.mail.reporting import Reporter
from services.notifications.mail.smtp import Connect, MailServer, ServerAway, SignInRefused
from services.notifications.messages.models import Status
from services.notifications.settings import NotificationsSettings
from shared.crash import crash_here
from shared.db import Database, new_id
from shared.loop import Wake
from shared.telemetry import Telemetry

_DATABASE_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What asyncpg raises when the server or the way to it is lost; the third when the loss falls between two of its own messages."""

_log = structlog.get_logger("interurbe.mail")

AHEAD_SECONDS = 0.3
"""How much is claimed ahead, in time: little enough that what is sent was checked a moment before."""

MOST_AHEAD = 1000
FIRST_AHEAD = 64
STEP_SECONDS = 0.1
EXPIRE_EVERY = timedelta(seconds=30)
RENDER_AGAIN = timedelta(minutes=10)
CLOSE_SECONDS = 2.5


class Sender:
    """Sends mails with at most ``settings.mail_connections`` connections; several senders may share one queue."""

    name = "mail"
    poll_seconds = 0.25

    def __init__(
        self,
        database: Database,
        settings: NotificationsSettings,
        telemetry: Telemetry,
        *,
        connect: Connect | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.wake = Wake()
        self._id = new_id()
        self._clock = clock
        self._database = database
        self._connection: queue.Connection | None = None
        self._lease = timedelta(seconds=settings.mail_lease_seconds)
        self._most = settings.mail_connections
        self._pool = Pool(connect or mail_server(settings).connect)
        composer = Composer(Templates(settings.initiatives_url, settings.issuer), settings.sender, settings.public_url)
        self._progress = asyncio.Event()
        self._desk = Desk(composer, settings.sender.addr_spec, clock, self._progress.set)
        self._reporter = Reporter(telemetry, settings.smtp_host, settings.smtp_port)
        self._carriers: set[asyncio.Task[None]] = set()
        self._held: dict[str, Letter] = {}
        self._unwritten = Written(self._id)
        self._ahead = FIRST_AHEAD
        self._marked_at = time.monotonic()
        self._expired_at: datetime | None = None
        self._database_trouble: str | None = None

    def trouble(self) -> str | None:
        """Why mails do not go out, if they do not."""
        return self._pool.trouble or self._database_trouble or self._reporter.trouble

    async def step(self) -> int:
        """Mark, claim, and let the carriers work for a moment; how many mails were moved, at least 1 while any is under way."""
        try:
            moved = await self._turn(await self._connected())
            self._database_trouble = None
        except _DATABASE_AWAY as error:
            self._database_trouble = f"the database does not answer the sender of mails: {type(error).__name__}: {error}"[:500]
            await self._disconnect()
            raise
        self._send_out()
        await self._moment()
        return max(moved, 1) if self._carriers or self._desk.results else moved

    async def close(self) -> None:
        """Let what is under way come to its end, for a moment; give back what was not begun."""
        self._give_back()
        if self._carriers:
            _, late = await asyncio.wait(self._carriers, timeout=CLOSE_SECONDS)
            for carrier in late:
                carrier.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._pool.close()
        try:
            self._gather()
            await queue.turn(await self._connected(), self._unwritten, None, self._clock())
        except _DATABASE_AWAY as error:
            _log.warning("what became of the last mails could not be written", mails=len(self._unwritten), reason=repr(error)[:300])
        await self._disconnect()

    async def _connected(self) -> queue.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.raw()
            await queue.by_key_alone(self._connection)
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _turn(self, connection: queue.Connection) -> int:
        """Write what became of mails (it stays in memory until that has succeeded), and take what is due onto the desk."""
        now = self._clock()
        await self._look_after(connection, now)
        wanted = await self._wanted(connection, now)
        sent = self._gather()
        if len(self._unwritten):
            crash_here("mail.before_mark")
        hold = Hold(self._id, wanted, now + self._lease) if wanted else None
        rows = await queue.turn(connection, self._unwritten, hold, now)
        written, self._unwritten = self._unwritten, Written(self._id)
        for done in (*(accepted.id for accepted in written.accepted), *(mark.id for mark in written.marks)):
            self._held.pop(done, None)
        self._pace(sent)
        await self._lay_out(connection, rows, now)
        return len(written) + len(rows)

    def _gather(self) -> int:
        """Put what the carriers left on the desk among what is to be written; how many of that are results."""
        now, results, stale = self._clock(), self._desk.results, self._desk.stale
        self._desk.results, self._desk.stale = [], []
        self._reporter.report(results, self._unwritten, now)
        self._unwritten.marks += [Mark(letter.id, next=now) for letter in stale]
        return len(results)

    def _pace(self, sent: int) -> None:
        """Claim as many as are sent in a moment."""
        if not sent:
            return
        now = time.monotonic()
        rate = sent / max(now - self._marked_at, 0.001)
        self._marked_at = now
        self._ahead = max(2 * self._most, min(MOST_AHEAD, int(rate * AHEAD_SECONDS)))
        self._desk.low = self._ahead // 2

    async def _wanted(self, connection: queue.Connection, now: datetime) -> int:
        """How many mails to claim now: none while enough are at hand, or while the mail server cannot be used."""
        if self._pool.paused(now):
            self._give_back()
            return 0
        wanted = self._ahead - len(self._desk.ready)
        return wanted if wanted >= self._ahead // 2 and await self._reachable(connection, now) else 0

    async def _lay_out(self, connection: queue.Connection, rows: list[asyncpg.Record], now: datetime) -> None:
        """Put claimed mails on the desk, worded; what is not to be sent, or cannot be worded, is written down instead."""
        # A row of our own that comes back, because the database was away for longer than the lease, is still on its way.
        rows = [row for row in rows if row["id"] not in self._held]
        letters = [letter_of(row, now, now + self._lease) for row in rows if row["skip"] is None]
        self._skip([row for row in rows if row["skip"] is not None], now)
        self._held |= {letter.id: letter for letter in letters}
        try:
            troubles = await self._desk.composer.prepare(connection, letters, now)
        except BaseException:  # the database, or a stop: claimed in vain, so they are given back as soon as can be; raised again
            self._desk.stale += letters
            raise
        for letter in letters:
            if letter.key in troubles:
                again = Mark(letter.id, status=Status.DEFERRED.value, error=troubles[letter.key], next=now + RENDER_AGAIN)
                self._unwritten.marks.append(again)
            else:
                self._desk.ready.append(letter)

    def _skip(self, rows: list[asyncpg.Record], now: datetime) -> None:
        self._unwritten.marks += [Mark(row["id"], status=Status.SKIPPED.value, reason=row["skip"], finished=now) for row in rows]
        self._reporter.skipped(len(rows))

    async def _reachable(self, connection: queue.Connection, now: datetime) -> bool:
        """Whether there is a connection to send over; one is opened first, so that no mail is claimed in vain."""
        if self._pool.has_lines:
            return True
        if not await queue.anything_due(connection, now):
            self._pool.nothing_waits()
            return False
        try:
            line, _ = await self._pool.take(now)
        except (SignInRefused, ServerAway):
            return False
        self._pool.give(line, now)
        return True

    async def _look_after(self, connection: queue.Connection, now: datetime) -> None:
        """Give up what is too old, hold on to what is slow, close what is idle."""
        if self._expired_at is None or now - self._expired_at > EXPIRE_EVERY:
            await queue.expire(connection, now)
            self._expired_at = now
            self._pool.prune(now)
        slow = [letter for letter in self._held.values() if letter.held_until - now < self._lease * 2 / 3]
        if slow:
            await queue.renew(connection, [letter.id for letter in slow], self._id, now + self._lease)
            for letter in slow:
                letter.held_until = now + self._lease

    def _give_back(self) -> None:
        self._desk.stale += self._desk.ready
        self._desk.ready.clear()

    def _send_out(self) -> None:
        """As many carriers as there are letters for them and connections allowed."""
        if not self._carriers:
            self._marked_at = time.monotonic()
        for _ in range(min(self._most - len(self._carriers), len(self._desk.ready))):
            carrier = asyncio.create_task(carry(self._desk, self._pool), name="mail carrier")
            self._carriers.add(carrier)
            carrier.add_done_callback(self._came_back)

    def _came_back(self, carrier: asyncio.Task[None]) -> None:
        self._carriers.discard(carrier)
        self._progress.set()
        if not carrier.cancelled() and (error := carrier.exception()) is not None:
            _log.error("a carrier failed", exc_info=error)

    async def _moment(self) -> None:
        """Wait until the carriers need letters, or a little."""
        if not self._carriers:
            return
        self._progress.clear()
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await self._progress.wait()
        except TimeoutError:
            return


def mail_server(settings: NotificationsSettings) -> MailServer:
    """The mail server that the settings name."""
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.sender.domain,
        settings.smtp_tls,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
        settings.smtp_ca_file,
        settings.smtp_timeout_seconds,
    )
