"""How many requests a client may send: told on every answer (draft-ietf-httpapi-ratelimit-headers), refused with 429 beyond.

Each process counts for itself, in its memory: it keeps one client from taking all of a process, and is no bill.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from shared.http.headers import Raw
from shared.refusals import TooManyRequests

WINDOW_SECONDS: Final = 60
REMEMBERED: Final = 10_000


class Allowances:
    """So many requests of each client in a minute; what was used comes back evenly, so there is no rush when a minute begins."""

    def __init__(self, quota: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``quota`` requests a minute, which a client may also send at once; ``clock`` gives seconds."""
        self._quota, self._clock = quota, clock
        self._each = WINDOW_SECONDS / quota
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._policy: Raw = (b"ratelimit-policy", f'"client";q={quota};w={WINDOW_SECONDS}'.encode())

    def take(self, client: str) -> tuple[Raw, Raw]:
        """Count one request; the headers for its answer. Raises `Exhausted`, whose answer has them too."""
        now = self._clock()
        used = max(self._full_at.get(client, now), now) - now
        if used + self._each > WINDOW_SECONDS + 1e-6:
            wait = math.ceil(used + self._each - WINDOW_SECONDS)
            raise Exhausted(self._quota, wait, self._told(used))
        self._full_at[client] = now + used + self._each
        self._full_at.move_to_end(client)
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        return self._told(used + self._each)

    def _told(self, used: float) -> tuple[Raw, Raw]:
        left = int((WINDOW_SECONDS - used) / self._each + 1e-6)
        return self._policy, (b"ratelimit", f'"client";r={left};t={math.ceil(used)}'.encode())


class Exhausted(TooManyRequests):
    """The client sent as many requests as it may in a minute. Wait as many seconds as ``Retry-After`` says."""

    code = "rate-limited"
    title = "The client has used up its requests."

    def __init__(self, quota: int, wait: int, told: tuple[Raw, Raw]) -> None:
        """``quota`` requests a minute were used up; one comes back in ``wait`` seconds."""
        fix = f"Wait {wait} seconds; {quota} requests a minute are steady work."
        super().__init__(f"A client may send {quota} requests a minute.", fix=fix, retry_after=wait)
        self.told = told
