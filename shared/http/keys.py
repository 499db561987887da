"""The issuer's public keys, fetched from where its metadata says (RFC 8414), kept for a while, and kept on while it is away."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from shared.auth import Verifier
from shared.process.runtime import Probe
from shared.refusals import Unavailable
from shared.signing import read_public_set

if TYPE_CHECKING:
    from shared.process import Runtime

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
FRESH_SECONDS: Final = 300.0
SHORTEST_PAUSE: Final = 3.0
FETCH_SECONDS: Final = 3.0
LARGEST_ANSWER: Final = 256 * 1024

_log = structlog.get_logger("interurbe.keys")


class RemoteKeys:
    """A key set that lives at the issuer; a key known once stays usable while the issuer is away.

    A request whose key is known never waits: a set older than five minutes is fetched again in the background. An unknown
    key waits for one fetch, at most every few seconds however many tokens ask for it.
    """

    def __init__(
        self, issuer: str, *, transport: httpx.AsyncBaseTransport | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Trust the keys of ``issuer`` (an URL); ``clock`` gives seconds, ``transport`` carries the requests."""
        self._issuer = issuer.rstrip("/")
        self._transport = transport
        self._clock = clock
        self._keys: dict[str, ECKey] = {}
        self._fetched = float("-inf")
        self._asked = float("-inf")
        self._running: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    def get(self, kid: str) -> ECKey | None:
        """The key known now by this id; a set that is no longer fresh is fetched again behind the scenes."""
        if self._clock() - self._fetched > FRESH_SECONDS and self._may_ask():
            self._start()
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Fetch the set because an unknown key was named: joins a fetch under way, and starts one at most every few seconds.

        Raises Unavailable when the issuer does not answer: the key may be a new one, nobody can tell now.
        """
        await self._fetched_again()
        if self._trouble is not None:
            raise Unavailable("The access token's key cannot be fetched from its issuer now.", fix="Try again after Retry-After seconds.")

    async def _fetched_again(self) -> None:
        if self._may_ask():
            self._start()
        if self._running is not None:
            await asyncio.shield(self._running)

    async def trouble(self) -> str | None:
        """None when there are keys to verify with, else what is wrong, in words; asks the issuer when none are known."""
        if not self._keys:
            await self._fetched_again()
        return None if self._keys else self._trouble or f"no keys have been fetched from {self._issuer} yet"

    async def close(self) -> None:
        """Give up a fetch under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _may_ask(self) -> bool:
        return self._running is None and self._clock() - self._asked >= SHORTEST_PAUSE

    def _start(self) -> None:
        self._asked = self._clock()
        self._running = asyncio.get_running_loop().create_task(self._fetch())
        self._running.add_done_callback(self._ended)

    def _ended(self, _task: "asyncio.Task[None]") -> None:
        self._running = None

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS), httpx.AsyncClient(transport=self._transport, timeout=FETCH_SECONDS) as client:
                keys = read_public_set(await _json(client, await self._address(client)))
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, TimeoutError) as problem:
            reason = str(problem) or type(problem).__name__
            self._trouble = f"the keys of {self._issuer} cannot be fetched: {reason}"
            _log.warning("keys not fetched", issuer=self._issuer, reason=reason)
            return
        if not keys:
            self._trouble = f"{self._issuer} publishes no key that can be used"
            return
        self._keys, self._fetched, self._trouble = keys, self._clock(), None

    async def _address(self, client: httpx.AsyncClient) -> str:
        metadata = await _json(client, self._issuer + METADATA_PATH)
        if not isinstance(metadata, dict) or metadata.get("issuer") != self._issuer:
            raise ValueError(f"the metadata names another issuer than {self._issuer}")
        address = metadata.get("jwks_uri")
        if not isinstance(address, str) or urlsplit(address)[:2] != urlsplit(self._issuer)[:2]:
            raise ValueError("the metadata's jwks_uri does not lie at the issuer")
        return address


async def _json(client: httpx.AsyncClient, address: str) -> Any:
    async with client.stream("GET", address, headers={"Accept": "application/json"}) as response:
        response.raise_for_status()
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise ValueError(f"{address} answers with more than {LARGEST_ANSWER} bytes")
    return httpx.Response(200, content=bytes(body)).json()


def trust_issuer(runtime: "Runtime") -> None:
    """Verify tokens with the keys that the issuer of the settings publishes, and say so in /readyz when there are none."""
    keys = RemoteKeys(runtime.settings.issuer)
    runtime.verifier = Verifier(runtime.settings.issuer, runtime.settings.audience, keys)
    runtime.probes.append(Probe("keys", keys.trouble))
    runtime.closing.append(keys.close)
