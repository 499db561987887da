"""What access decides without a database: guesses, secrets, and reading a token request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.access.models import Client, ClientWanted
from services.partners.access.refusals import TokenRefused
from services.partners.access.schemas import credentials_of
from services.partners.access.secrets.models import Guesses
from shared.auth import PLATFORM
from shared.refusals import TooManyRequests

NOW = datetime(2025, 3, 4, 15, tzinfo=UTC)
WANTED = ClientWanted(partner=None, name="Sistema", scopes=frozenset({"read", "write"}), expires_at=NOW + timedelta(days=1))


def test_a_client_accepts_its_secret_until_it_expires_or_is_revoked() -> None:
    client, secret = Client.create(WANTED, created_by="test", now=NOW)
    assert client.accepts(secret, NOW)
    assert not client.accepts(secret + "x", NOW)
    assert not client.accepts(secret, NOW + timedelta(days=1))
    client.revoke(NOW)
    assert not client.accepts(secret, NOW)


def test_a_client_of_nobody_speaks_for_the_platform() -> None:
    client, _ = Client.create(WANTED, created_by="test", now=NOW)
    caller = client.caller(None)
    assert (caller.partner, caller.scopes) == (PLATFORM, frozenset({"read", "write"}))
    assert not caller.is_admin


def test_secrets_differ() -> None:
    assert len({Client.create(WANTED, created_by="test", now=NOW)[1] for _ in range(100)}) == 100


def test_guesses_are_forgotten_after_their_time() -> None:
    guesses = Guesses(most=2, within=timedelta(minutes=1))
    guesses.refused("10.0.0.1", "a", NOW)
    guesses.refused("10.0.0.1", "a", NOW + timedelta(seconds=30))
    with pytest.raises(TooManyRequests) as refused:
        guesses.must_be_few("10.0.0.1", "a", NOW + timedelta(seconds=40))
    assert refused.value.headers() == {"Retry-After": "21"}
    guesses.must_be_few("10.0.0.1", "a", NOW + timedelta(seconds=60))
    guesses.must_be_few("10.0.0.2", "a", NOW + timedelta(seconds=40))
    guesses.must_be_few("10.0.0.1", "b", NOW + timedelta(seconds=40))


def test_memory_for_guesses_is_bounded() -> None:
    guesses = Guesses(most=1, remembered=10)
    for number in range(100):
        guesses.refused("10.0.0.1", str(number), NOW)
    guesses.must_be_few("10.0.0.1", "89", NOW)
    with pytest.raises(TooManyRequests):
        guesses.must_be_few("10.0.0.1", "90", NOW)


@given(st.none() | st.text() | st.binary().map(lambda data: "Basic " + data.hex()), st.binary())
def test_whatever_is_sent_is_read_or_refused(authorization: str | None, body: bytes) -> None:
    for form in (body, b"grant_type=client_credentials&" + body):
        try:
            credentials_of(authorization, form)
        except TokenRefused as refused:
            assert refused.extra["error"]  # noqa: PT017 - either outcome is fine, another exception is not
