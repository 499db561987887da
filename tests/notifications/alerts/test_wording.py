"""Sentences: why a message came, lists, names and times in the reader's language."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.alerts.phrases import between, city, listed, one_line, text_in
from services.notifications.alerts.wording import why

NAMES = {
    "k": {"en": "Kyiv", "es": "Kiev"}, "m": {"es": "Medellín"}, "w": {"en": "WeGO"}, "a": {"es": "Memorando", "en": "Memorandum"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("matched", "spanish", "english"),
    [
        ({"role": "affected", "vouched_by": "m"}, "el asunto concierne a Medellín.", "the matter concerns Medellín."),
        ({"role": "affected", "vouched_by": "?"}, "concierne a la entidad que lo suscribió.", "the institution that subscribed you."),
        ({"partners": ["k", "m"]}, "porque sigue a Kiev y Medellín.", "because you follow Kyiv and Medellín."),
        ({"networks": ["w"]}, "porque sigue la red WeGO.", "because you follow the network WeGO."),
        ({"agreements": ["a"]}, "porque sigue el acuerdo Memorando.", "because you follow the agreement Memorandum."),
        ({"topics": ["open_data"]}, "porque sigue el tema «open data».", "because you follow the topic “open data”."),
        ({"partners": ["?"]}, "porque sigue las novedades de Interurbe.", "because you follow the news of Interurbe."),
        (
            {"partners": ["k"], "lines": ["joint_projects"]},
            "porque sigue a Kiev y la línea «Proyectos e iniciativas conjuntas».",
            "because you follow Kyiv and the line “Joint projects and initiatives”.",
        ),
    ],
)
def test_a_message_says_why_it_came(matched: dict[str, Any], spanish: str, english: str) -> None:
    assert why(matched, NAMES, "es").endswith(spanish)
    assert why(matched, NAMES, "en").endswith(english)


@pytest.mark.parametrize(
    ("texts", "language", "chosen"),
    [
        ({"es": "Kiev", "en": "Kyiv"}, "es", "Kiev"),
        ({"es-CO": "Kiev", "en": "Kyiv"}, "es", "Kiev"),
        ({"uk": "Київ", "en": "Kyiv"}, "es", "Kyiv"),
        ({"uk": "Київ", "es": "Kiev"}, "en", "Kiev"),
        ({"uk": "Київ"}, "es", "Київ"),
        ({}, "es", ""),
    ],
)
def test_a_name_is_shown_in_the_nearest_language(texts: dict[str, str], language: str, chosen: str) -> None:
    assert text_in(texts, language) == chosen


def test_a_list_reads_as_a_sentence_does() -> None:
    assert listed(["Kyiv"], "es") == "Kyiv"
    assert listed(["Kyiv", "Berlín", "Medellín"], "es") == "Kyiv, Berlín y Medellín"
    assert listed(["Kyiv", "Ibagué"], "es") == "Kyiv e Ibagué"
    assert listed(["agua", "hielo"], "es") == "agua y hielo"
    assert listed(["Kyiv", "Ibagué", "Berlin"], "en") == "Kyiv, Ibagué, and Berlin"


def test_invisible_characters_never_break_a_line() -> None:
    assert one_line("a\r\nBcc: b\x00\u2028c\td") == "a Bcc: b c d"


@pytest.mark.parametrize(
    ("timezone", "language", "place"),
    [
        ("America/Bogota", "es", "Bogotá"),
        ("Asia/Seoul", "es", "Seúl"),
        ("Europe/Kyiv", "es", "Kyiv"),
        ("America/Argentina/Buenos_Aires", "en", "Buenos Aires"),
    ],
)
def test_a_zone_is_called_after_its_place(timezone: str, language: str, place: str) -> None:
    assert city(timezone, language) == place


def test_an_hour_is_that_of_the_place_on_that_day() -> None:
    days = (datetime(2027, 1, 10, 9, tzinfo=UTC), datetime(2027, 7, 10, 9, tzinfo=UTC))
    winter, summer = (between(day, day + timedelta(hours=2), "Europe/Berlin", "en") for day in days)
    assert winter == "Sunday, January 10, 2027, 10:00\N{EN DASH}12:00 (Berlin time, UTC+01:00)"
    assert summer == "Saturday, July 10, 2027, 11:00\N{EN DASH}13:00 (Berlin time, UTC+02:00)"
