"""Letters over one connection; where the server lets us, the next is announced together with the content of the one before."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from services.notifications.mail.composing import Composer, Letter
from services.notifications.mail.letters import is_safe
from services.notifications.mail.outcomes import Outcome, Stage, accepted, cut_short, refused, unusable
from services.notifications.mail.pool import Pool
from services.notifications.mail.smtp import ConnectionEnded, Line, Reply, ServerAway, SignInRefused

FRESH = timedelta(seconds=1)
"""How long ago a letter may have been checked (still subscribed, still may know) when it is begun; an older one is checked again."""

_GO_AHEAD, _GOING_AWAY = 354, 421
_STAGES = (Stage.SENDER, Stage.RECIPIENT, Stage.DATA)
_log = structlog.get_logger("interurbe.mail")


class Result(NamedTuple):
    """What became of a letter, and when."""

    letter: Letter
    outcome: Outcome
    began: datetime
    ended: datetime


@dataclass(slots=True)
class _Begun:
    """A letter whose envelope was sent, with its content."""

    letter: Letter
    content: bytes
    began: datetime
    replies: list[Reply]


class Desk:
    """What all carriers share: letters to be sent, letters to be checked again, and results.

    ``progress`` is called when no more than ``low`` letters are left, so that more can be brought in time.
    """

    def __init__(self, composer: Composer, sender: str, clock: Callable[[], datetime], progress: Callable[[], None]) -> None:
        self.ready: deque[Letter] = deque()
        self.stale: list[Letter] = []
        self.results: list[Result] = []
        self.low = 0
        self.clock = clock
        self.composer = composer
        self.mail_from = f"MAIL FROM:<{sender}>\r\n".encode()
        self._progress = progress

    def note(self, letter: Letter, outcome: Outcome, began: datetime) -> None:
        """Keep a result."""
        self.results.append(Result(letter, outcome, began, self.clock()))

    def next(self, line: Line) -> _Begun | None:
        """The next letter that can be sent over this connection, with its bytes; what cannot be sent is noted on the way."""
        while self.ready:
            letter = self.ready.popleft()
            if len(self.ready) <= self.low:
                self._progress()
            now = self.clock()
            if now - letter.taken_at > FRESH:
                self.stale.append(letter)
                continue
            content = self._content(letter, line, now)
            if isinstance(content, Outcome):
                self.note(letter, content, now)
                continue
            return _Begun(letter, content, now, [])
        return None

    def _content(self, letter: Letter, line: Line, now: datetime) -> bytes | Outcome:
        if not is_safe(letter.email):
            return unusable("unsafe-address", "the address cannot stand in an envelope")
        try:
            content = self.composer.bytes_of(letter, now)
        except Exception as error:  # noqa: BLE001 - a defect in one letter must not stop the others
            _log.exception("a mail cannot be composed", message_id=letter.id)
            return unusable("cannot-be-composed", f"{type(error).__name__}: {error}"[:500])
        if line.size is not None and len(content) > line.size:
            return unusable("too-large", f"the mail has {len(content)} bytes, the server takes {line.size}")
        return content


async def carry(desk: Desk, pool: Pool) -> None:
    """Send letters from the desk over one connection until there are none, or the connection ends."""
    try:
        line, used = await pool.take(desk.clock())
    except (SignInRefused, ServerAway):
        return
    carriage = _Carriage(desk, line, used=used)
    try:
        await carriage.run()
    except BaseException:  # told to stop, or a defect: what is on its way has an unknown end; raised again
        carriage.abandon()
        raise
    finally:
        pool.give(line, desk.clock())


class _Carriage:
    def __init__(self, desk: Desk, line: Line, *, used: bool) -> None:
        self._desk = desk
        self._line = line
        self._untried = used
        self._current: _Begun | None = None
        self._following: _Begun | None = None
        self._stage = Stage.SENDER

    async def run(self) -> None:
        while self._line.ended is None and (current := self._current or await self._begin()):
            if current.replies[-1].code == _GO_AHEAD and all(reply.ok for reply in current.replies[:2]):
                await self._finish(current)
            else:
                await self._refused(current)

    def abandon(self) -> None:
        if self._current is not None:
            self._desk.note(self._current.letter, cut_short(self._stage, "the sender was stopped"), self._current.began)
        if self._following is not None:
            self._desk.ready.appendleft(self._following.letter)
        self._line.quit()

    async def _begin(self) -> _Begun | None:
        """Send the next letter's envelope; it goes back to the desk when a connection that was idle turns out to be dead."""
        begun, self._stage = self._desk.next(self._line), Stage.SENDER
        self._current = begun
        if begun is None:
            return None
        try:
            if self._line.pipelining:
                begun.replies = await self._line.ask(self._envelope(begun), 3)
            else:
                await self._step_by_step(begun)
        except ConnectionEnded as error:
            begun.replies += error.replies
            self._current = None
            self._broken_off(begun, str(error))
            return None
        self._untried = False
        return begun

    async def _step_by_step(self, begun: _Begun) -> None:
        for command in self._envelope(begun).splitlines(keepends=True):
            begun.replies += await self._line.ask(command, 1)
            if begun.replies[-1].code >= 400:
                return

    async def _finish(self, current: _Begun) -> None:
        """Send the content, and with it the envelope of the next letter."""
        self._stage = Stage.CONTENT
        self._following = following = self._desk.next(self._line) if self._line.pipelining else None
        commands = current.content + self._envelope(following) if following else current.content
        try:
            replies = await self._line.ask(commands, 4 if following else 1)
        except ConnectionEnded as error:
            replies = error.replies
            if not replies:
                self._desk.note(current.letter, cut_short(Stage.CONTENT, str(error)), current.began)
        self._current, self._following = None, None
        if replies:
            self._ended(current, replies[0])
        if following is not None and self._line.ended is None:
            following.replies = replies[1:]
            self._current = following
        elif following is not None:
            self._desk.ready.appendleft(following.letter)

    def _ended(self, current: _Begun, final: Reply) -> None:
        self._desk.note(current.letter, accepted(final) if final.ok else refused(Stage.CONTENT, final), current.began)
        if final.code == _GOING_AWAY:
            self._line.quit()

    async def _refused(self, current: _Begun) -> None:
        """Note why the server did not take the letter, and have the connection ready for another."""
        stage, reply = _first_refusal(current.replies)
        self._current = None
        self._desk.note(current.letter, refused(stage, reply), current.began)
        if any(reply.code == _GOING_AWAY for reply in current.replies):
            self._line.quit()
            return
        # A server that says go ahead although it took no recipient waits for a content: an empty one.
        awaited = current.replies[-1].code == _GO_AHEAD
        try:
            await self._line.ask(b".\r\n" if awaited else b"RSET\r\n", 1)
        except ConnectionEnded:
            return

    def _broken_off(self, begun: _Begun, why: str) -> None:
        if self._untried and not begun.replies:
            self._desk.ready.appendleft(begun.letter)
        elif any(reply.code >= 400 for reply in begun.replies):
            self._desk.note(begun.letter, refused(*_first_refusal(begun.replies)), begun.began)
        else:
            self._desk.note(begun.letter, cut_short(_STAGES[min(len(begun.replies), 2)], why), begun.began)

    def _envelope(self, begun: _Begun) -> bytes:
        return self._desk.mail_from + f"RCPT TO:<{begun.letter.email}>\r\nDATA\r\n".encode()


def _first_refusal(replies: list[Reply]) -> tuple[Stage, Reply]:
    """What the server said no to first: the envelope's commands are answered in order."""
    return next((stage, reply) for stage, reply in zip(_STAGES, replies, strict=False) if not reply.ok and reply.code != _GO_AHEAD)
