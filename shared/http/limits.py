"""How much and how long a request may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds; the defaults are what a service runs with.

    ``seconds`` bounds the whole request, ``pause`` the wait for the next piece of its body, ``body_seconds`` the whole body.
    """

    seconds: float = 30.0
    pause: float = 10.0
    body_seconds: float = 25.0
    body: int = 1024 * 1024
    headers: int = 100
    header_bytes: int = 32 * 1024
    address: int = 8 * 1024


LIMITS = Limits()
