"""In which language a text is said when it is not there in the one asked for: one order for all services."""

from collections.abc import Iterator, Mapping
from typing import Final

FALLBACKS: Final = ("en", "es")
"""The languages in which a text is looked for when there is none in the language asked for."""


def text_in(texts: Mapping[str, str], language: str = FALLBACKS[0]) -> str:
    """The text in the first of these that there is: the language asked for, in whichever script or region, English, Spanish, any.

    Of one language the tag asked for comes first (``pt-BR``), then the language alone (``pt``), then its other tags (``pt-PT``) by
    the alphabet; of the rest the first tag by the alphabet. Empty when there are no texts at all.
    """
    return next((texts[tag] for tag in _order(texts, language)), "")


def _order(texts: Mapping[str, str], language: str) -> Iterator[str]:
    for wanted in (language, *FALLBACKS):
        alone = wanted.partition("-")[0]
        yield from (tag for tag in (wanted, alone) if tag in texts)
        yield from (tag for tag in sorted(texts) if tag.partition("-")[0] == alone)
    yield from sorted(texts)
