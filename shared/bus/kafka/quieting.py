"""aiokafka's own log, thinned out: while a broker is away it writes the same line ten times a second for every consumer."""

from __future__ import annotations

import logging
import time

LOGGER = "aiokafka"
EVERY_SECONDS = 60.0


class OnceAMinute(logging.Handler):
    """Passes each kind of line (one place in the source) on to the root logger at most once a minute."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: dict[tuple[str, int], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Passes it on, or not."""
        place = (record.name, record.lineno)
        now = time.monotonic()
        if now - self._last.get(place, -EVERY_SECONDS) >= EVERY_SECONDS:
            self._last[place] = now
            logging.getLogger().handle(record)


def quiet() -> None:
    """Puts the handler in place, once per process."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(handler, OnceAMinute) for handler in logger.handlers):
        logger.addHandler(OnceAMinute())
        logger.propagate = False
