"""Which subdivisions countries have: ISO 3166-2, as pycountry keeps it."""

import json
from functools import cache
from pathlib import Path


def is_subdivision(code: str) -> bool:
    """Whether ISO 3166-2 has this ``code``, as in ``CO-ANT``."""
    return code in _codes()


def what_to_send(country: str) -> str:
    """The fix for somebody who sent no subdivision of this ``country``: an example of one, if it has any."""
    example = min((code for code in _codes() if code.startswith(f"{country}-")), default=None)
    return f"Send a code like '{example}', or null." if example else f"Send null: {country} has no subdivisions."


@cache
def _codes() -> frozenset[str]:
    """Its 5,046 codes, read when the first one is asked for; pycountry's own way keeps ten times the memory for names nobody asks."""
    import pycountry  # noqa: PLC0415 - a process that meets no subdivision does without

    listed = json.loads((Path(pycountry.DATABASE_DIR) / "iso3166-2.json").read_bytes())
    return frozenset(one["code"] for one in listed["3166-2"])
