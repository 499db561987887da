"""Access tokens: what is signed well is taken, anything else is told what is wrong with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from shared.auth import PLATFORM, REMEMBERED_TOKENS, Caller, InsufficientScope, InvalidToken, Issuer, Verifier, sign_token
from shared.signing import LocalKeys, dump_key, key_id, load_key, new_key, public_set, read_public_set

ISSUER = "https://partners.example.org"
NOW = datetime(2025, 3, 4, 15, 0, tzinfo=UTC)
KEY = new_key()
ANA = Caller("client-1", "partner-1", frozenset({"read", "sign"}))
CLAIMS = {
    "iss": ISSUER,
    "aud": "interurbe",
    "sub": "client-1",
    "partner": "partner-1",
    "scope": "read",
    "exp": NOW.timestamp() + 600,
    "nbf": NOW.timestamp(),
}


class Clock:
    """A clock that stands where it is put."""

    now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


def verifier(*keys: ECKey, clock: Clock | None = None) -> Verifier:
    return Verifier(ISSUER, "interurbe", LocalKeys(*(keys or (KEY,))), clock or Clock())


def issued(key: ECKey = KEY) -> str:
    return Issuer(ISSUER, "interurbe", timedelta(minutes=10)).issue(key, ANA, NOW)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_an_issued_token_names_its_caller() -> None:
    assert await verifier().verify(issued()) == ANA


async def test_the_token_is_an_access_token_of_rfc_9068() -> None:
    token = jwt.decode(issued(), KEY, algorithms=["ES256"])
    assert token.header == {"typ": "at+jwt", "alg": "ES256", "kid": KEY.thumbprint()}
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(token.claims)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": NOW.timestamp() - 6}, "expired"),
        ({"exp": None}, "exp must be a number"),
        ({"exp": "tomorrow"}, "exp must be a number"),
        ({"exp": True}, "exp must be a number"),
        ({"nbf": NOW.timestamp() + 60}, "not valid yet"),
        ({"iss": "https://elsewhere.example.org"}, "issuer is not"),
        ({"aud": "another"}, "not meant for the audience interurbe"),
        ({"aud": ["another", "third"]}, "not meant for the audience interurbe"),
        ({"aud": None}, "not meant for the audience interurbe"),
        ({"sub": ""}, "sub must be a text"),
        ({"partner": None}, "partner must be a text"),
        ({"scope": ["read"]}, "scope must be a text"),
        ({"secret_number": "1"}, "secret_number must be a whole number"),
        ({"secret_number": True}, "secret_number must be a whole number"),
    ],
)
async def test_a_claim_that_is_wrong_is_named(claims: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidToken, match=words):
        await verifier().verify(sign_token(KEY, CLAIMS | claims))


async def test_among_several_audiences_ours_is_enough() -> None:
    assert (await verifier().verify(sign_token(KEY, CLAIMS | {"aud": ["other", "interurbe"]}))).client == "client-1"


async def test_scopes_that_nobody_knows_are_left_out() -> None:
    caller = await verifier().verify(sign_token(KEY, CLAIMS | {"scope": "read root write"}))
    assert caller.scopes == {"read", "write"}


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "ES384"}, {"alg": "es256"}, {}])
async def test_another_algorithm_is_refused(header: dict[str, str]) -> None:
    unsigned = f"{part({'typ': 'at+jwt', 'kid': key_id(KEY)} | header)}.{part(CLAIMS)}"
    for signature in ("", "AAAA"):
        with pytest.raises(InvalidToken, match="signed with ES256"):
            await verifier().verify(f"{unsigned}.{signature}")


async def test_the_public_key_is_no_shared_secret() -> None:
    for secret in (KEY.as_pem(private=False), json.dumps(KEY.as_dict(private=False)).encode()):
        for alg in ("HS256", "ES256"):
            message = f"{part({'typ': 'at+jwt', 'kid': key_id(KEY), 'alg': alg})}.{part(CLAIMS)}"
            signature = base64.urlsafe_b64encode(hmac.digest(secret, message.encode(), hashlib.sha256)).rstrip(b"=").decode()
            with pytest.raises(InvalidToken):
                await verifier().verify(f"{message}.{signature}")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"typ": "JWT"}, "access token of type at"),
        ({"typ": None}, "access token of type at"),
        ({"kid": None}, "name its key"),
        ({"kid": "unknown"}, "does not publish"),
        ({"crit": ["b64"], "b64": False}, "no critical extension"),
    ],
)
async def test_a_header_that_is_wrong_is_named(header: dict[str, Any], words: str) -> None:
    token = f"{part({'typ': 'at+jwt', 'kid': key_id(KEY), 'alg': 'ES256'} | header)}.{part(CLAIMS)}.AAAA"
    with pytest.raises(InvalidToken, match=words):
        await verifier().verify(token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "\x00.a.b", "W10.W10.W10", "x" * 5000, "e30.e30.\n"])
async def test_what_is_no_token_is_told_so(token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier().verify(token)


async def test_a_token_of_another_key_is_forged() -> None:
    claims, stranger = CLAIMS, new_key()
    forged = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key_id(KEY)}, claims, stranger, algorithms=["ES256"])
    with pytest.raises(InvalidToken, match="signature"):
        await verifier().verify(forged)
    embedded = {"alg": "ES256", "typ": "at+jwt", "kid": "mine", "jwk": stranger.as_dict(private=False)}
    with pytest.raises(InvalidToken, match="does not publish"):
        await verifier().verify(jwt.encode(embedded, claims, stranger, algorithms=["ES256"]))


async def test_changed_claims_are_noticed() -> None:
    header, _, signature = issued().split(".")
    with pytest.raises(InvalidToken, match="signature"):
        await verifier().verify(f"{header}.{part(CLAIMS | {'partner': 'another'})}.{signature}")


async def test_a_token_known_from_before_still_expires() -> None:
    clock = Clock()
    keeper = verifier(clock=clock)
    token = issued()
    await keeper.verify(token)
    clock.now += 604
    assert await keeper.verify(token) == ANA
    clock.now += 2
    with pytest.raises(InvalidToken, match="expired"):
        await keeper.verify(token)


async def test_a_token_known_from_before_ends_with_its_key() -> None:
    keys = LocalKeys(KEY)
    keeper = Verifier(ISSUER, "interurbe", keys, Clock())
    token = issued()
    await keeper.verify(token)
    keys.replace(new_key())
    with pytest.raises(InvalidToken, match="does not publish"):
        await keeper.verify(token)


async def test_old_and_new_key_are_good_side_by_side() -> None:
    new = new_key()
    both = verifier(KEY, new)
    assert await both.verify(issued(KEY)) == await both.verify(issued(new)) == ANA


async def test_what_is_remembered_is_bounded() -> None:
    keeper = verifier()
    for number in range(REMEMBERED_TOKENS + 3):
        keeper._remember(number.to_bytes(4, "big"), None)  # type: ignore[arg-type]  # only the number of entries matters
    assert len(keeper._known) == REMEMBERED_TOKENS


def test_a_scope_that_is_missing_is_named() -> None:
    ANA.must("read")
    with pytest.raises(InsufficientScope, match="'write'"):
        ANA.must("write")


def test_an_operator_is_an_admin_of_no_partner() -> None:
    assert Caller("c", PLATFORM, frozenset({"admin"})).is_admin
    assert not Caller("c", "partner-1", frozenset({"admin"})).is_admin
    assert not Caller("c", PLATFORM, frozenset({"read"})).is_admin


def test_keys_are_kept_and_published_by_their_thumbprint() -> None:
    again = load_key(dump_key(KEY))
    assert key_id(again) == key_id(KEY) == KEY.thumbprint()
    published = public_set([KEY])
    assert set(published["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert set(read_public_set(published)) == {KEY.thumbprint()}
    with pytest.raises(ValueError, match="P-256"):
        load_key(json.dumps(ECKey.generate_key("P-384").as_dict(private=True)))


def test_of_a_key_set_only_what_is_ours_is_read() -> None:
    usable = public_set([KEY])["keys"][0]
    strange: list[Any] = [
        RSAKey.generate_key(2048).as_dict(private=False),
        usable | {"x": usable["y"]},
        usable | {"use": "enc"},
        usable | {"alg": "ES384"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "oct", "k": "AAAA"},
        "text",
        None,
    ]
    assert list(read_public_set({"keys": [*strange, usable]})) == [KEY.thumbprint()]
    nonsense: list[Any] = [[], {}, {"keys": {}}, None, "x"]
    for document in nonsense:
        with pytest.raises(ValueError, match="key set"):
            read_public_set(document)
