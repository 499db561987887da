"""The headers every answer carries: nothing is sniffed, framed, cached or leaked unless an answer says otherwise."""

from collections.abc import Iterable
from typing import Final

API_POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"strict-transport-security", b"max-age=31536000"),
)

Raw = tuple[bytes, bytes]


def secured(headers: Iterable[Raw], trace_id: str) -> list[Raw]:
    """``headers`` with ours behind them; an answer's own Cache-Control and Content-Security-Policy stay."""
    full = [*headers]
    policy, cache = API_POLICY, b"no-store"
    names = {name for name, _ in full}
    if b"content-type" in names and dict(full)[b"content-type"].startswith(b"text/html"):
        policy = PAGE_POLICY
    if b"content-security-policy" not in names:
        full.append((b"content-security-policy", policy))
    if b"cache-control" not in names:
        full.append((b"cache-control", cache))
    full.extend(_ALWAYS)
    full.append((b"x-trace-id", trace_id.encode()))
    return full
