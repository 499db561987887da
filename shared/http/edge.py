"""One request, one transaction: recognise the caller, do it once, commit, and only then let the answer go."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

import asyncpg
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.auth import Caller, InsufficientScope
from shared.crash import crash_here
from shared.db import execute_raw
from shared.http.access import recognise
from shared.http.body import StrictRequest, take_body
from shared.http.idempotency import Attempt, Raced, Retold, Running, attempt_of, find, in_use, keep
from shared.http.session import committed, done_reading, runtime_of
from shared.http.translation import worth_repeating
from shared.refusals import Invalid, Refusal
from shared.witness import Deed, Line

ATTEMPTS: Final = 4
FIRST_PAUSE: Final = 0.01

Inner = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])
Tells = Callable[[Caller, AsyncConnection, str], Awaitable[Response]]

_READING: Final = frozenset({"GET", "HEAD"})


def shown_once(endpoint: Endpoint) -> Endpoint:
    """Mark a POST whose answer holds a secret: a repetition is told that it was done, not shown the answer again."""
    endpoint.__shown_once__ = True  # type: ignore[attr-defined]  # a mark on the function, read when its route is made
    return endpoint


def told_anew(tells: Tells) -> Callable[[Endpoint], Endpoint]:
    """Mark a POST whose answer holds what may have to be forgotten: it is not kept, only where the thing is (``Location``).

    A repetition is answered with what ``tells(caller, reader, location)`` finds there now.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        endpoint.__told_anew__ = tells  # type: ignore[attr-defined]  # a mark on the function, read when its route is made
        return endpoint

    return marked


class CommandRoute(APIRoute):
    """A route for known callers: a GET reads; anything else is one transaction, and a POST carries an Idempotency-Key."""

    known_callers: ClassVar[bool] = True

    def get_route_handler(self) -> Inner:
        """FastAPI's own handler, inside ours."""
        inner = super().get_route_handler()
        if (self.methods or set()) <= _READING:
            return self._reading(inner)
        return self._changing(inner, bool(getattr(self.endpoint, "__shown_once__", False)), getattr(self.endpoint, "__told_anew__", None))

    def _reading(self, inner: Inner) -> Inner:
        known = self.known_callers

        async def read(request: Request) -> Response:
            if known:
                request.scope["state"]["caller"] = await recognise(request)
                _each_once(request)
            try:
                return await inner(request)
            finally:
                await done_reading(request)

        return read

    def _changing(self, inner: Inner, secret: bool, tells: Tells | None) -> Inner:
        known = self.known_callers

        async def change(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            state = request.scope["state"]
            caller: Caller | None = await recognise(strict) if known else None
            state["caller"] = caller
            try:
                if known:
                    _each_once(strict)
                body = await self.take(strict)
                attempt = attempt_of(strict, caller.client, body) if caller is not None and strict.method == "POST" else None
                retold = partial(tells, caller) if tells is not None and caller is not None else None
                return await _once(strict, _Work(inner, attempt, secret, retold))
            finally:
                self.release(strict)

        return change

    async def take(self, request: StrictRequest) -> bytes:
        """Read the body within limits; its bytes, or what stands for them when two requests are compared."""
        return await take_body(request, forms=not self.known_callers)

    def release(self, request: StrictRequest) -> None:
        """Let go of what was taken, whatever became of the request."""


class OpenRoute(CommandRoute):
    """A route for anybody (token endpoint, key set, pages behind a link): the same transaction, no caller and no key."""

    known_callers = False


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done inside the transaction, under which key, and what a repetition is told where that is not the first answer."""

    inner: Inner
    attempt: Attempt | None
    secret: bool
    retold: Retold | None


def _each_once(request: Request) -> None:
    """Refuse a parameter that is there twice: no operation takes several, and which of them would count is a guess."""
    if b"&" in request.scope["query_string"]:
        times = Counter(name for name, _ in request.query_params.multi_items())
        twice = next((name for name, there in times.items() if there > 1), None)
        if twice is not None:
            raise Invalid(f"?{twice} is there twice.", field=f"?{twice}", fix="Send it once; ask again for each other value.")


async def _once(request: StrictRequest, work: _Work) -> Response:
    """The answer of ``work``: that of the first request with its key, if there was one."""
    attempt = work.attempt
    if attempt is None:
        return await _done(request, work)
    running: Running = request.scope["app"].state.running
    running.enter(attempt)
    try:
        return await _done(request, work)
    except InsufficientScope:  # a token that may do less now is not shown what was done with more
        raise
    except (Raced, Refusal, HTTPException, RequestValidationError, IntegrityError, StaleDataError) as problem:
        kept = await find(runtime_of(request).database, attempt, work.retold)
        if kept is not None:
            return kept
        raise in_use() if isinstance(problem, Raced) else problem from None
    finally:
        running.leave(attempt)


async def _done(request: StrictRequest, work: _Work) -> Response:
    """The answer of ``work``, committed; transactions that got into each other's way are run again."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await _transaction(request, work)
        except (DBAPIError, asyncpg.PostgresError) as problem:
            if not worth_repeating(problem):
                raise
            await asyncio.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
    return await _transaction(request, work)


async def _transaction(request: StrictRequest, work: _Work) -> Response:
    runtime = runtime_of(request)
    session = runtime.database.session()
    request.scope["state"]["session"] = session
    caller: Caller | None = request.scope["state"].get("caller")
    try:
        if runtime.bar is not None and caller is not None:
            await runtime.bar(session, caller)
        response = await work.inner(request)
        await session.run_sync(_conclude, work, response, _line(request, response))
    except BaseException:  # also when the request is given up, the connection goes back clean
        await asyncio.shield(session.close())
        raise
    finally:
        await done_reading(request)
    committed(session)
    if session.info.get("recorded"):
        runtime.wake.set()
    return response


def _line(request: Request, response: Response) -> Line | None:
    """What writes down who did what, if this service keeps a record of that and somebody is known to have done it."""
    witness = runtime_of(request).witness
    caller: Caller | None = request.scope["state"].get("caller")
    if witness is None or caller is None:
        return None
    params = {name: str(value) for name, value in request.path_params.items()}
    template = getattr(request.scope.get("route"), "path_format", "")
    action = f"{request.method} {template}"
    return witness(Deed(caller, action, str(response.status_code), params, response.headers.get("location")))


def _conclude(session: SyncSession, work: _Work, response: Response, line: Line | None) -> None:
    if response.status_code >= 400:  # an answer that refuses changes nothing
        session.rollback()
        return
    session.flush()
    if work.attempt is not None:
        keep(session, work.attempt, response, body=not work.secret and work.retold is None, beside=line)
    elif line is not None:
        execute_raw(session.connection(), line.statement, *line.values)
    crash_here("edge.before_commit")
    session.commit()
    crash_here("edge.after_commit")
