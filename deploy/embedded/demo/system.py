"""A partner's own system as it talks to Interurbe: a token, idempotent requests, patience when a service restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import httpx

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1

Found = TypeVar("Found")


class Refused(Exception):
    """The product said no: the problem document, in words."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        super().__init__(f"{response.request.method} {response.request.url} answered {response.status_code}: {response.text[:800]}")


class NotYet(Exception):
    """Something that should have become so did not within the time given."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three services and the mailbox are."""

    partners: str
    initiatives: str
    notifications: str
    mail: str


@dataclass(slots=True)
class System:
    """One client: its credentials, and what it does with them. ``http`` is shared by all."""

    name: str
    client: str
    secret: str
    addresses: Addresses
    http: httpx.Client
    token: str = ""
    headers_seen: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, **parameters: str) -> Any:
        """The JSON found there; remembers its ETag for the next change."""
        return self._ask("GET", url, params=parameters).json()

    def find(self, url: str, **parameters: str) -> Any | None:
        """As `get`, or None for 404."""
        try:
            return self.get(url, **parameters)
        except Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def post(self, url: str, body: Mapping[str, Any], *, version: int | None = None) -> Any:
        """Send a command once, however often the answer is lost; ``version`` is that of the thing as last read."""
        headers = {"Idempotency-Key": str(uuid4())} | ({} if version is None else {"If-Match": f'"{version}"'})
        return self._ask("POST", url, json=dict(body), headers=headers).json()

    def patch(self, url: str, body: Mapping[str, Any], version: int) -> Any:
        """Change a thing as last read; should the answer be lost, the next try finds another version."""
        return self._ask("PATCH", url, json=dict(body), headers={"If-Match": f'"{version}"'}).json()

    def put(self, url: str, body: Mapping[str, Any]) -> Any:
        """Create or replace what is at an address of our own."""
        return self._ask("PUT", url, json=dict(body)).json()

    def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        """The answer, after as many tries as it takes a service to come back; 401 fetches a new token once."""
        given = request.pop("headers", {})
        for _ in range(2):
            token = self.token or self._new_token()
            response = patiently(lambda: self.http.request(method, url, headers={**given, "Authorization": f"Bearer {token}"}, **request))  # noqa: B023 - called at once
            self.headers_seen = dict(response.headers)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
            self.token = ""
        if response.is_error:
            raise Refused(response)
        return response

    def _new_token(self) -> str:
        url = f"{self.addresses.partners}/oauth/token"
        form = {"grant_type": "client_credentials"}
        response = patiently(lambda: self.http.post(url, data=form, auth=(self.client, self.secret)))
        if response.is_error:
            raise Refused(response)
        self.token = response.json()["access_token"]
        return self.token


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer, asking again while the service cannot be reached or says 503 or 409 in-use, for a minute."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            response = ask()
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE and not _in_use(response):
                return response
            trouble: Exception = Refused(response)
        except httpx.TransportError as error:
            trouble = error
        if time.monotonic() > until:
            raise trouble
        time.sleep(PAUSE_SECONDS)


def _in_use(response: httpx.Response) -> bool:
    return response.status_code == httpx.codes.CONFLICT and "in-use" in response.text


def until(what: str, look: Callable[[], Found | None], seconds: float = 60.0) -> Found:
    """What ``look`` finds, as soon as it finds something; raises `NotYet` naming what was waited for."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise NotYet(f"waited {seconds:g} s for {what}, in vain")
        time.sleep(PAUSE_SECONDS)
