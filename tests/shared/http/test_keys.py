"""Keys from the issuer: fetched when needed, kept while it is away, asked for no more often than it can bear."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.auth import Caller, InvalidToken, Issuer, Verifier
from shared.http import RemoteKeys
from shared.refusals import Unavailable
from shared.signing import key_id, new_key, public_set

ISSUER = "http://issuer.test"


class Partners:
    """An issuer that publishes its keys, until it is away."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.metadata: Any = {"issuer": ISSUER, "jwks_uri": ISSUER + "/keys"}
        self.document: Any = None
        self.away = False
        routes = [Route("/.well-known/oauth-authorization-server", self._metadata), Route("/keys", self._keys)]
        self.transport = httpx.ASGITransport(app=Starlette(routes=routes))

    async def _metadata(self, _request: Request) -> Response:
        self.asked += 1
        return Response(status_code=503) if self.away else JSONResponse(self.metadata)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse(public_set(self.keys) if self.document is None else self.document)


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def token(key: ECKey) -> str:
    return Issuer(ISSUER, "interurbe", timedelta(minutes=10)).issue(key, Caller("c", "p", frozenset({"read"})), datetime.now(UTC))


async def test_a_new_key_is_known_after_one_fetch() -> None:
    old, new = new_key(), new_key()
    partners, clock = Partners(old), Clock()
    keys = RemoteKeys(ISSUER, transport=partners.transport, clock=clock)
    verifier = Verifier(ISSUER, "interurbe", keys)
    await verifier.verify(token(old))
    partners.keys.append(new)
    clock.now += 4
    assert (await verifier.verify(token(new))).client == "c"
    assert partners.asked == 2


async def test_a_crowd_of_unknown_keys_asks_once() -> None:
    partners, clock = Partners(new_key()), Clock()
    keys = RemoteKeys(ISSUER, transport=partners.transport, clock=clock)
    verifier = Verifier(ISSUER, "interurbe", keys)
    answers = await asyncio.gather(*(verifier.verify(token(new_key())) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, InvalidToken) for answer in answers)
    assert partners.asked == 1
    await asyncio.gather(verifier.verify(token(new_key())), return_exceptions=True)
    assert partners.asked == 1
    clock.now += 4
    await asyncio.gather(verifier.verify(token(new_key())), return_exceptions=True)
    assert partners.asked == 2


async def test_known_keys_stay_good_while_the_issuer_is_away() -> None:
    key = new_key()
    partners, clock = Partners(key), Clock()
    keys = RemoteKeys(ISSUER, transport=partners.transport, clock=clock)
    verifier = Verifier(ISSUER, "interurbe", keys)
    await verifier.verify(token(key))
    partners.away = True
    clock.now += 100_000
    for _ in range(3):
        assert (await verifier.verify(token(key))).client == "c"
        clock.now += 4
        with pytest.raises(Unavailable):
            await keys.refresh()
    assert partners.asked > 2
    assert await keys.trouble() is None


async def test_an_old_set_is_fetched_again_behind_the_scenes() -> None:
    key = new_key()
    partners, clock = Partners(key), Clock()
    keys = RemoteKeys(ISSUER, transport=partners.transport, clock=clock)
    await keys.refresh()
    clock.now += 299
    assert keys.get(key_id(key)) is not None
    assert keys._running is None
    clock.now += 2
    assert keys.get(key_id(key)) is not None
    partners.keys.clear()
    partners.keys.append(new_key())
    await keys.refresh()
    assert keys.get(key_id(key)) is None
    assert partners.asked == 2
    await keys.close()


@pytest.mark.parametrize(
    ("metadata", "document"),
    [
        ({"issuer": "http://elsewhere.test", "jwks_uri": ISSUER + "/keys"}, None),
        ({"issuer": ISSUER, "jwks_uri": "http://elsewhere.test/keys"}, None),
        ({"issuer": ISSUER, "jwks_uri": 7}, None),
        ({"issuer": ISSUER}, None),
        ([], None),
        (None, []),
        (None, {"keys": "none"}),
        (None, {"keys": []}),
        (None, {"keys": ["x" * 300_000]}),
    ],
)
async def test_an_issuer_that_talks_nonsense_gives_no_keys(metadata: Any, document: Any) -> None:
    partners = Partners(new_key())
    partners.metadata = partners.metadata if metadata is None else metadata
    partners.document = document
    keys = RemoteKeys(ISSUER, transport=partners.transport)
    trouble = await keys.trouble()
    assert trouble is not None
    assert ISSUER in trouble


async def test_an_issuer_that_is_not_there_is_told_in_words() -> None:
    keys = RemoteKeys("http://127.0.0.1:1")
    assert "cannot be fetched" in (await keys.trouble() or "")
    with pytest.raises(Unavailable):
        await Verifier("http://127.0.0.1:1", "interurbe", keys).verify(token(new_key()))
