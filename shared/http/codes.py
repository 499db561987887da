"""Codes that the world has agreed on: countries (ISO 3166-1 alpha-2), and the subtags that a language tag is made of."""

from functools import cache
from pathlib import Path
from typing import Final

COUNTRIES: Final = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH
    CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN
    GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI
    LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD
    TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split(),  # noqa: SIM905 - a list literal would be ten times as long
)
"""The 249 two-letter country codes of ISO 3166-1."""


def is_registered(kind: str, subtag: str) -> bool:
    """Whether IANA's registry has this ``subtag`` as a ``language``, ``script``, ``region`` or ``variant``, in whatever case."""
    return f" {subtag.lower()} " in _subtags()[kind]


@cache
def _subtags() -> dict[str, str]:
    """All subtags of each kind, one after the other: as texts, for 8,000 short ones in a set take ten times the memory."""
    lines = Path(__file__).with_name("subtags.txt").read_text("utf-8").lower().splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.endswith(":"):
            found[line[:-1]] = kind = []
        elif not line.startswith("#"):
            kind.append(line)
    return {name: f" {' '.join(parts)} " for name, parts in found.items()}
