"""What mails say, in Spanish and in English, with the names, days and hours of the facts; and what a partner's text cannot do."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.mail.letters import Words
from services.notifications.mail.rendering import Templates
from services.notifications.messages.models import KINDS, LANGUAGES
from shared.events import Envelope, LineTerms
from tests.notifications.affairs import about_to_lapse, approved, changed, lapsed, runs_out, suspected
from tests.notifications.neighbours import STARTS, Neighbours

TEMPLATES = Templates("https://initiatives.example", "https://partners.example")


@pytest.fixture
def said() -> Neighbours:
    return Neighbours(STARTS)


def rendered(fact: Envelope, language: str, **more: Any) -> Words:
    """A fact's words, as its notice would give them."""
    template = f"{fact.data.SUBJECT}_{fact.data.FACT}"
    row = {
        "type": fact.type,
        "template": template,
        "data": fact.data.model_dump(mode="json"),
        "names": {},
        "visibility": "public",
        "timezone": None,
    }
    return TEMPLATES.notice(row | more, language)


def holds(words: Words, *texts: str) -> None:
    """Both forms say all of this."""
    for text in texts:
        assert text in words.text
        assert text in words.html


def cities(said: Neighbours) -> list[str]:
    return [said.partner({"es": "Medellín"}), said.partner({"en": "Kyiv", "es": "Kiev", "uk": "Київ"})]


def test_a_signed_agreement_in_spanish(said: Neighbours) -> None:
    words = rendered(said.sign(cities(said)), "es")
    assert words.subject == "Acuerdo firmado: Memorando sobre ciudades inteligentes"
    holds(words, "Medellín y Kiev firmaron este acuerdo el", "12 de julio de 2024", "Memorando de entendimiento", "MOU-2024-0001")
    holds(words, "Intercambio de conocimientos y desarrollo de capacidades", "Buenas prácticas")


def test_a_signed_agreement_in_english(said: Neighbours) -> None:
    words = rendered(said.sign(cities(said)), "en")
    assert words.subject == "Agreement signed: Memorandum on smart cities"
    holds(words, "Medellín and Kyiv signed this agreement on", "July 12, 2024", "Memorandum of understanding", "Practices")


def test_an_agreement_of_long_ago_is_recorded_not_signed_today(said: Neighbours) -> None:
    fact = said.sign(cities(said), historic=True)
    assert rendered(fact, "es").subject.startswith("Acuerdo registrado: ")
    assert rendered(fact, "en").subject.startswith("Agreement recorded: ")


def test_an_agreement_in_force(said: Neighbours) -> None:
    parties = cities(said)
    fact = said.enters_into_force(said.sign(parties).subject_id, parties)
    holds(rendered(fact, "es"), "entre Medellín y Kiev está en vigor desde el", "12 de julio de 2024")
    holds(rendered(fact, "en"), "between Medellín and Kyiv is in force from", "July 12, 2024")


def test_a_workshop_has_its_own_place_and_its_own_clock(said: Neighbours) -> None:
    fact = said.schedule(cities(said))
    spanish, english = rendered(fact, "es"), rendered(fact, "en")
    assert (spanish.subject, english.subject) == ("Taller de datos abiertos", "Workshop on open data")
    holds(spanish, "jueves, 11 de marzo de 2027, 09:00\N{EN DASH}12:00 (hora de Bogotá, UTC-05:00)", "Híbrida", "español e inglés")
    holds(english, "Thursday, March 11, 2027, 09:00\N{EN DASH}12:00 (Bogota time, UTC-05:00)", "Hybrid", "Spanish and English")
    holds(english, "Ruta N, Medellín")
    holds(spanish, "https://example.org/sala", f"https://initiatives.example/v1/exchanges/{fact.subject_id}/calendar.ics")


def test_a_title_that_does_not_say_what_it_is_gets_its_kind_before_it(said: Neighbours) -> None:
    fact = said.schedule(cities(said), kind="study_visit", titles={"es": "Ciudadano 360", "en": "Study visit to Medellín"})
    assert rendered(fact, "es").subject == "Visita de estudio: Ciudadano 360"
    assert rendered(fact, "en").subject == "Study visit to Medellín"


def test_a_place_whose_zone_has_no_name_here_keeps_its_own(said: Neighbours) -> None:
    holds(rendered(said.schedule(cities(said), timezone="Europe/Kyiv"), "es"), "(hora de Kyiv, UTC+02:00)")
    holds(rendered(said.schedule(cities(said), timezone="America/Argentina/Buenos_Aires"), "en"), "(Buenos Aires time, UTC-03:00)")
    holds(rendered(said.schedule(cities(said), timezone="UTC"), "en"), "14:00\N{EN DASH}17:00 (UTC)")


def test_an_exchange_of_several_days_names_both(said: Neighbours) -> None:
    fact = said.schedule(cities(said), ends_at=STARTS + timedelta(days=2, hours=2))
    holds(rendered(fact, "es"), "jueves, 11 de marzo de 2027, 09:00 \N{EN DASH} sábado, 13 de marzo de 2027, 11:00")


def test_a_moved_exchange_says_both_times_also_across_the_change_of_clocks(said: Neighbours) -> None:
    hosts = cities(said)
    fact = said.reschedule(said.schedule(hosts).subject_id, hosts, timezone="Europe/Berlin", starts_at=STARTS + timedelta(days=20))
    words = rendered(fact, "es")
    assert words.subject == "Cambio de fecha: Taller de datos abiertos"
    holds(words, "hora de Bogotá, UTC-05:00", "miércoles, 31 de marzo de 2027, 16:00", "hora de Berlín, UTC+02:00", "Día festivo")


def test_a_cancelled_exchange_says_why(said: Neighbours) -> None:
    hosts = cities(said)
    words = rendered(said.cancel(said.schedule(hosts).subject_id, hosts), "en")
    assert words.subject == "Cancelled: Workshop on open data"
    holds(words, "This exchange will not take place.", "Faltó el quórum")
    assert "calendar.ics" not in words.text


def test_what_is_not_public_has_no_link_that_everybody_can_follow(said: Neighbours) -> None:
    words = rendered(said.schedule(cities(said)), "es", visibility="parties")
    assert "calendar.ics" not in words.text + words.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_fact_has_all_its_templates(said: Neighbours, language: str) -> None:
    hosts = cities(said)
    signed, scheduled = said.sign(hosts), said.schedule(hosts)
    facts = [signed, said.enters_into_force(signed.subject_id, hosts), scheduled]
    facts += [said.reschedule(scheduled.subject_id, hosts), said.cancel(scheduled.subject_id, hosts)]
    facts += [approved(said, hosts[0], hosts[1]), about_to_lapse(said, *hosts), lapsed(said, *hosts), suspected(said, *hosts)]
    facts += [runs_out(said, hosts[0]), changed(said, *hosts)]
    assert {type(fact.data) for fact in facts} == set(KINDS.values())
    for fact in facts:
        words = rendered(fact, language)
        assert words.subject
        assert words.text
        assert f'<html lang="{language}"' in words.html


def test_what_a_partner_wrote_stays_text(said: Neighbours) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    partner = said.partner({"es": script})
    lines = (LineTerms(line="<b>x</b>", text={"es": script}),)
    fact = said.sign([partner], about=said.about([partner], titles={"es": script}), lines=lines)
    words = rendered(fact, "es")
    assert "<script" not in words.html
    assert "<img" not in words.html
    assert "&lt;script&gt;" in words.html
    assert script in words.text


def test_only_links_to_web_pages_are_links(said: Neighbours) -> None:
    words = rendered(said.schedule(cities(said), url="javascript:alert(1)"), "es")
    assert 'href="javascript' not in words.html


def test_a_subject_is_one_line_of_bounded_length(said: Neighbours) -> None:
    titles = {"es": "Uno\r\nBcc: victima@example.org\u2028dos" + "x" * 500}
    words = rendered(said.sign(cities(said), about=said.about(cities(said), titles=titles)), "es")
    assert words.subject.startswith("Acuerdo firmado: Uno Bcc: victima@example.org dosx")
    assert words.subject.isprintable()
    assert len(words.subject) <= 160


def test_a_partner_cannot_write_the_marks_of_a_reader_own_words(said: Neighbours) -> None:
    title = "\ue000unsubscribe\ue001 https://slot.invalid/unsubscribe"
    plain, marked = (rendered(said.sign(cities(said), about=said.about(cities(said), titles={"es": text})), "es") for text in ("x", title))
    assert marked.text.count("\ue000") == plain.text.count("\ue000")
    assert marked.html.count("\ue000") == plain.html.count("\ue000")


def test_a_confirmation_says_what_it_asks_and_how_long(said: Neighbours) -> None:
    spanish, english = TEMPLATES.confirmation("es"), TEMPLATES.confirmation("en")
    assert (spanish.subject, english.subject) == ("Confirme su suscripción a Interurbe", "Confirm your subscription to Interurbe")
    assert "\ue000action\ue001" in spanish.text
    assert "\ue000action\ue001" in spanish.html
    holds(english, "The link works once, and for seven days")
