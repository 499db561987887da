"""Which text is said when there is none in the language asked for."""

import pytest

from shared.languages import text_in


@pytest.mark.parametrize(
    ("texts", "language", "chosen"),
    [
        ({"es": "Seúl", "en": "Seoul", "ko": "서울"}, "ko", "서울"),
        ({"pt": "A", "pt-BR": "B", "pt-PT": "C"}, "pt-BR", "B"),
        ({"pt-PT": "C", "pt": "A"}, "pt-BR", "A"),
        ({"pt-PT": "C", "en": "E"}, "pt-BR", "C"),
        ({"en-GB": "E", "es": "S"}, "uk", "E"),
        ({"es-CO": "S", "de": "D"}, "uk", "S"),
        ({"uk": "U", "de": "D"}, "pt", "D"),
        ({}, "es", ""),
    ],
)
def test_the_order_is_the_language_asked_for_then_english_then_spanish_then_any(texts: dict[str, str], language: str, chosen: str) -> None:
    assert text_in(texts, language) == chosen
