"""Signing keys: published before they sign, and after, until no token of theirs lives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from services.partners.access.commands import found, rotate_due
from services.partners.access.models import KEY_LIFE, PUBLISHED_AFTER_SIGNING, SigningKey
from services.partners.access.refusals import KeyTooYoung
from services.partners.access.views import KeyRing
from shared.refusals import Unavailable
from shared.signing import key_id
from tests.partners.conftest import ADDRESS, PartnersService

START = datetime(2025, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def published(service: PartnersService) -> list[str]:
    return [key["kid"] for key in (await service.anyone.get("/.well-known/jwks.json")).json()["keys"]]


async def rotate(service: PartnersService, now: datetime) -> None:
    async with service.runtime.database.session() as session:
        await rotate_due(session, "signing-keys", now)
        await session.commit()


async def test_the_next_key_is_published_beside_the_one_that_signs(service: PartnersService) -> None:
    answer = await service.anyone.get("/.well-known/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert len(keys) == 2
    assert all({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"}.items() <= key.items() for key in keys)
    assert "d" not in "".join(name for key in keys for name in key if len(name) == 1)


async def test_the_metadata_says_where_everything_is(service: PartnersService) -> None:
    metadata = (await service.anyone.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == ADDRESS
    assert metadata["token_endpoint"] == ADDRESS + "/oauth/token"
    assert metadata["jwks_uri"] == ADDRESS + "/.well-known/jwks.json"
    assert metadata["grant_types_supported"] == ["client_credentials"]
    assert metadata["scopes_supported"] == ["admin", "read", "sign", "write"]


async def test_a_rotation_too_soon_is_refused(service: PartnersService) -> None:
    answer = await service.operator.post("/v1/keys/rotate")
    assert (answer.status_code, answer.json()["code"]) == (409, "key-too-young")
    assert answer.json()["ready_at"] == datetime.fromisoformat(answer.json()["ready_at"]).isoformat()
    with pytest.raises(KeyTooYoung):
        await rotate(service, datetime.now(UTC) + timedelta(minutes=5))


async def test_the_operator_rotates_and_nobody_is_locked_out(service: PartnersService) -> None:
    current, following = await published(service)
    await age(service)
    answer = await service.operator.post("/v1/keys/rotate")
    assert answer.status_code == 200, answer.text
    assert [key["state"] for key in answer.json()["keys"]] == ["retired", "current", "next"]
    after = await published(service)
    assert after[:2] == [current, following]
    assert len(after) == 3
    assert (await service.operator.get("/v1/partners")).status_code == 200
    fresh = await service.enter("bootstrap", "bootstrap-secret-of-a-test")
    assert (await fresh.get("/v1/partners")).status_code == 200
    assert key_id(await service.app.state.access.ring.signing_key()) == following


async def age(service: PartnersService) -> None:
    """Let the keys have been published an hour ago."""
    async with service.runtime.database.session() as session:
        for key in await session.scalars(select(SigningKey).order_by(SigningKey.state)):
            key.published_at -= timedelta(hours=1)
        await session.commit()


async def test_a_retired_key_forgets_its_private_half_and_disappears_after_its_last_token(service: PartnersService) -> None:
    now = datetime.now(UTC) + timedelta(hours=1)
    clock = Clock(now)
    ring = KeyRing(service.runtime.database, clock)
    old = await ring.signing_key()
    await rotate(service, now)
    assert key_id(await ring.signing_key()) == key_id(old), "a process that has not noticed still signs with the old key"
    clock.now += timedelta(seconds=61)
    assert key_id(await ring.signing_key()) != key_id(old)
    known = ring.get(key_id(old))
    assert known is not None
    assert not known.is_private
    clock.now = now + PUBLISHED_AFTER_SIGNING - timedelta(seconds=1)
    assert ring.get(key_id(old)) is not None
    clock.now += timedelta(seconds=1)
    assert ring.get(key_id(old)) is None
    assert key_id(old) not in map(key_id, await ring.published())


async def test_an_unknown_key_is_looked_for_at_most_once_a_second(service: PartnersService) -> None:
    clock = Clock(datetime.now(UTC) + timedelta(hours=1))
    ring = KeyRing(service.runtime.database, clock)
    await ring.published()
    before = await published(service)
    await rotate(service, clock.now)
    await ring.refresh()
    assert len(await ring.published()) == len(before), "asked a moment ago"
    clock.now += timedelta(seconds=1)
    await ring.refresh()
    assert len(await ring.published()) == len(before) + 1


async def test_keys_rotate_by_themselves_when_their_time_has_come(service: PartnersService) -> None:
    _, following = await published(service)
    now = datetime.now(UTC)
    assert await service.act(now + KEY_LIFE - timedelta(minutes=1)) == 0
    assert await service.act(now + KEY_LIFE) == 1
    service.app.state.access.ring.look_again()
    assert key_id(await service.app.state.access.ring.signing_key()) == following
    assert await service.act(now + KEY_LIFE + timedelta(days=1)) == 0
    assert await service.act(now + 2 * KEY_LIFE) == 1
    assert len(await all_keys(service)) == 3, "a key that is no longer published is forgotten"


async def all_keys(service: PartnersService) -> list[str]:
    async with service.runtime.database.reader() as reader:
        return list(await reader.scalars(select(SigningKey.kid)))


async def test_founding_again_makes_no_other_keys(service: PartnersService) -> None:
    before = await all_keys(service)
    async with service.runtime.database.session() as session:
        await found(session, None, START)
        await session.commit()
    assert await all_keys(service) == before


async def test_without_keys_there_are_no_tokens_but_an_answer(service: PartnersService) -> None:
    async with service.runtime.database.session() as session:
        for key in await session.scalars(select(SigningKey)):
            await session.delete(key)
        await session.commit()
    with pytest.raises(Unavailable):
        await KeyRing(service.runtime.database).signing_key()


async def test_what_was_being_read_when_the_keys_changed_is_read_again(service: PartnersService) -> None:
    ring, (_, following) = KeyRing(service.runtime.database), await published(service)
    await ring.published()
    async with service.runtime.database.session() as holding:
        await holding.execute(text("LOCK TABLE signing_key IN ACCESS EXCLUSIVE MODE"))
        reading = asyncio.create_task(ring.read())
        async with asyncio.timeout(60):
            while not await waiting(service, "signing_key"):
                pass
        ring.look_again()
        await holding.rollback()
    await reading
    await rotate(service, datetime.now(UTC) + timedelta(hours=1))
    assert key_id(await ring.signing_key()) == following


async def waiting(service: PartnersService, table: str) -> bool:
    """Whether somebody waits for this table."""
    asked = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass(:name))")
    async with service.runtime.database.reader() as reader:
        return bool(await reader.scalar(asked, {"name": table}))


async def test_the_process_that_rotates_signs_with_the_new_key_once_that_is_committed(service: PartnersService) -> None:
    ring, (_, following) = service.app.state.access.ring, await published(service)
    await age(service)
    async with service.runtime.database.session() as holding:
        await holding.execute(text("LOCK TABLE audit_entry IN SHARE MODE"))
        rotating = asyncio.create_task(service.operator.post("/v1/keys/rotate"))
        async with asyncio.timeout(60):
            while not await waiting(service, "audit_entry"):
                pass
        assert key_id(await ring.signing_key()) != following, "not before it is so"
        await holding.rollback()
    assert (await rotating).status_code == 200
    assert key_id(await ring.signing_key()) == following
