"""The keys that sign access tokens (ES256): made, written down and read again, and published as a JSON Web Key Set."""

import json
from collections.abc import Iterable
from typing import Any, Final, Self, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM: Final = "ES256"


def new_key() -> ECKey:
    """A fresh private key on P-256, named by its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": ALGORITHM}, private=True)
    return load_key(dump_key(key))


def dump_key(key: ECKey) -> str:
    """The private key as JWK text, to be kept secret."""
    return json.dumps(key.as_dict(private=True), sort_keys=True)


def load_key(text: str) -> ECKey:
    """The key written as JWK ``text``, private or public, named by its thumbprint; raises ValueError when it is not P-256."""
    members = json.loads(text)
    key = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y", "d") if name in members})
    if key.curve_name != "P-256":
        raise ValueError(f"an ES256 key lies on the curve P-256, not on {key.curve_name}")
    return ECKey.import_key(
        {**key.as_dict(private=key.is_private), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM},
    )


def key_id(key: ECKey) -> str:
    """The key's id: its RFC 7638 thumbprint."""
    return key.kid or key.thumbprint()


def public_set(keys: Iterable[ECKey]) -> dict[str, list[dict[str, Any]]]:
    """The JSON Web Key Set of the public halves of ``keys``."""
    return {"keys": [cast("dict[str, Any]", key.as_dict(private=False)) for key in keys]}


def read_public_set(document: object) -> dict[str, ECKey]:
    """The usable ES256 keys of a JSON Web Key Set by id; raises ValueError when the document is no key set."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("a key set is an object with a list called 'keys'")  # noqa: TRY004 - a document from outside
    read = [_public_key(members) for members in document["keys"] if isinstance(members, dict)]
    return {key_id(key): key for key in read if key is not None}


def _public_key(members: dict[str, Any]) -> ECKey | None:
    """The key, None when it is of a kind, or for a use, that is not ours: a set may hold others too."""
    wanted = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": ALGORITHM}
    if any(members.get(name, value) != value for name, value in wanted.items()):
        return None
    try:
        key = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y")})
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    kid = members.get("kid")
    return ECKey.import_key({**key.as_dict(private=False), "kid": kid}) if isinstance(kid, str) else key


class LocalKeys:
    """The key set of a process that has the keys at hand."""

    def __init__(self, *keys: ECKey) -> None:
        """Know ``keys`` from the start."""
        self._keys = {key_id(key): key for key in keys}

    def get(self, kid: str) -> ECKey | None:
        """The key by this id."""
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Nothing to ask: the keys are at hand."""

    def replace(self, *keys: ECKey) -> Self:
        """Know only ``keys`` from now on."""
        self._keys = {key_id(key): key for key in keys}
        return self
