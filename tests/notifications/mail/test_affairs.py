"""The mails about a partner's own affairs, word for word: what happened, until when, and what to do."""

from datetime import date

import pytest

from services.notifications.mail.letters import Words
from services.notifications.mail.rendering import Templates
from shared.events import Envelope
from tests.notifications.affairs import about_to_lapse, approved, changed, lapsed, runs_out, suspected
from tests.notifications.neighbours import STARTS, Neighbours

TEMPLATES = Templates("https://initiatives.example", "https://partners.example")


@pytest.fixture
def said() -> Neighbours:
    return Neighbours(STARTS)


def rendered(fact: Envelope, language: str, timezone: str | None = None) -> Words:
    """A fact's words, as its notice would give them."""
    template, data = f"{fact.data.SUBJECT}_{fact.data.FACT}", fact.data.model_dump(mode="json")
    row = {"type": fact.type, "template": template, "data": data, "names": {}, "visibility": "parties", "timezone": timezone}
    return TEMPLATES.notice(row, language)


def content(words: Words) -> str:
    """The text above the line that parts it from why it came."""
    return words.text.partition("\n\n-- \n")[0]


def pair(said: Neighbours) -> tuple[str, str]:
    return said.partner("Ibagué"), said.partner({"es": "Red de capitales", "en": "Network of capitals"}, "city_network")


def test_a_membership_approved(said: Neighbours) -> None:
    fact = approved(said, *pair(said))
    assert content(rendered(fact, "es")) == (
        "Ibagué se une a Red de capitales\n\n"
        "Red de capitales aceptó la solicitud de Ibagué, que participa como miembro.\n\n"
        "Desde: 1 de enero de 2026\nHasta: 31 de diciembre de 2026\n\n"
        "Desde ese día, lo que la red firme puede abrirle también a Ibagué sus líneas de cooperación. ¡Que sea para bien!"
    )
    assert content(rendered(fact, "en")) == (
        "Ibagué joins Network of capitals\n\n"
        "Network of capitals accepted the application of Ibagué, which takes part as a member.\n\n"
        "From: January 1, 2026\nUntil: December 31, 2026\n\n"
        "From that day on, what the network signs may open its lines of cooperation to Ibagué as well. Welcome!"
    )


def test_a_membership_without_an_end_names_none(said: Neighbours) -> None:
    fact = approved(said, *pair(said), valid_to=None)
    assert "Hasta" not in content(rendered(fact, "es"))
    assert "Until" not in content(rendered(fact, "en"))


def test_a_membership_that_is_another(said: Neighbours) -> None:
    fact = changed(said, *pair(said), role="observer")
    assert content(rendered(fact, "es")) == (
        "Cambió la membresía de Ibagué en Red de capitales\n\n"
        "Ibagué participa ahora como observador; antes, como miembro.\n\n"
        "De lo que la red firma por sus miembros llega a Ibagué: nada\nAntes: todo\n\n"
        "Las fechas de la membresía no cambian, y lo que Ibagué firmó por su cuenta sigue igual."
    )
    assert content(rendered(fact, "en")) == (
        "The membership of Ibagué in Network of capitals has changed\n\n"
        "Ibagué now takes part as an observer; before, as a member.\n\n"
        "Of what the network signs for its members, Ibagué may use: nothing\nBefore: all of it\n\n"
        "The days of the membership stay as they are, and so does what Ibagué signed itself."
    )


def test_of_a_membership_only_what_changed_is_told(said: Neighbours) -> None:
    city, network = pair(said)
    role = content(rendered(changed(said, city, network, role="host"), "en"))
    assert ("takes part as the host; before, as a member." in role, "may use" in role) == (True, False)
    way = content(rendered(changed(said, city, network, inherits_agreements="opt_in"), "en"))
    assert ("takes part" in way, "may use: what it chooses, agreement by agreement\nBefore: all of it" in way) == (False, True)


def test_a_membership_about_to_lapse(said: Neighbours) -> None:
    fact = about_to_lapse(said, *pair(said))
    assert content(rendered(fact, "es")) == (
        "La membresía de Ibagué en Red de capitales está por vencer\n\n"
        "Último día: 31 de diciembre de 2026\n"
        "Sin renovación deja de valer el: 31 de enero de 2027 (con el plazo de gracia)\n\n"
        "Ese día Ibagué deja de participar en lo que la red haya firmado por sus miembros.\n\n"
        "Para continuar: Ibagué habla con Red de capitales, y la red renueva la membresía antes de esa fecha. Nada se interrumpe.\n"
        "Para no continuar: no hay que hacer nada."
    )
    assert content(rendered(fact, "en")) == (
        "The membership of Ibagué in Network of capitals is about to lapse\n\n"
        "Last day: December 31, 2026\n"
        "Unless renewed, it no longer holds from: January 31, 2027 (grace included)\n\n"
        "From that day on Ibagué no longer takes part in what the network signed for its members.\n\n"
        "To go on: Ibagué talks to Network of capitals, and the network renews the membership before that day. Nothing is interrupted.\n"
        "To end it: there is nothing to do."
    )


def test_a_membership_that_lapsed(said: Neighbours) -> None:
    fact = lapsed(said, *pair(said))
    assert content(rendered(fact, "es")) == (
        "Venció la membresía de Ibagué en Red de capitales\n\n"
        "No se renovó. Su último día fue el 31 de diciembre de 2026, y desde el 31 de enero de 2027 ya no vale: pasó también el plazo de"
        " gracia.\n\n"
        "Ibagué ya no participa en lo que la red firmó por sus miembros. Lo que Ibagué firmó por su cuenta sigue igual.\n\n"
        "Si fue un olvido, tiene arreglo: Red de capitales puede recibir de nuevo a Ibagué cuando ambos quieran."
    )
    assert content(rendered(fact, "en")).startswith(
        "The membership of Ibagué in Network of capitals has lapsed\n\n"
        "It was not renewed. Its last day was December 31, 2026, and since January 31, 2027 it no longer holds: the grace is over, too."
    )


def test_no_grace_is_mentioned_where_there_was_none(said: Neighbours) -> None:
    partner, network = pair(said)
    day_after = date(2027, 1, 1)
    for fact in (about_to_lapse(said, partner, network, lapses_on=day_after), lapsed(said, partner, network, lapsed_on=day_after)):
        assert "gracia" not in rendered(fact, "es").text
        assert "grace" not in rendered(fact, "en").text


def test_a_likely_duplicate(said: Neighbours) -> None:
    new, known, other = said.partner("C4IR Kyiv"), said.partner({"en": "GGTC Kyiv", "es": "GGTC Kiev"}), said.partner("Kyiv Lab")
    fact = suspected(said, new, known, other, alike_by=("C4IR Kyiv", "Ideas Kyiv"))
    assert content(rendered(fact, "es")) == (
        "¿C4IR Kyiv ya estaba en el registro?\n\n"
        "Se registró a C4IR Kyiv, y se parece mucho a entidades conocidas:\n\n"
        f"- GGTC Kiev: parecido del 92\N{NO-BREAK SPACE}%, por «C4IR Kyiv» y «Ideas Kyiv»\n  https://partners.example/v1/partners/{known}\n"
        f"- Kyiv Lab: parecido del 92\N{NO-BREAK SPACE}%, por «C4IR Kyiv» y «Ideas Kyiv»\n  https://partners.example/v1/partners/{other}\n\n"
        f"La nueva: https://partners.example/v1/partners/{new}\n\n"
        "Qué hacer: mire las dos. Si son la misma, pida a quien opera Interurbe que las una: los acuerdos y las membresías se conservan, y"
        " el identificador anterior lleva al que queda. Si son distintas, no hay que hacer nada."
    )
    ways = content(rendered(suspected(said, new, known, alike_by=("same_acronym", "one_within_the_other")), "es"))
    assert "- GGTC Kiev: parecido del 92\N{NO-BREAK SPACE}%, por la misma sigla y un nombre dentro del otro\n" in ways
    english = content(rendered(suspected(said, new, known), "en"))
    assert "is very much like a partner that is known:\n\n- GGTC Kyiv: 92% alike\n" in english
    assert "ask the operator of Interurbe to merge them" in english


def test_a_secret_that_runs_out_comes_with_what_to_type(said: Neighbours) -> None:
    fact = runs_out(said, pair(said)[0])
    typed = (
        f"curl -X POST https://partners.example/v1/clients/{fact.subject_id}/secrets \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n  -H "Idempotency-Key: $(uuidgen)"\n'
    )
    spanish, english = rendered(fact, "es", "America/Bogota"), rendered(fact, "en")
    assert "de Ibagué entra a Interurbe hasta el martes, 15 de diciembre de 2026, 22:30 (hora de Bogotá" in spanish.text
    assert (
        "may enter Interurbe until Wednesday, December 16, 2026, 03:30 (UTC): then its last secret ends, or the client itself."
        in english.text
    )
    for words in (spanish, english):
        assert typed in words.text
        assert f"curl -X POST https://partners.example/v1/clients/{fact.subject_id}/secrets \\\n" in words.html
        assert "<pre" in words.html
        assert "PATCH" in words.text


def test_what_a_client_is_called_stays_text(said: Neighbours) -> None:
    fact = runs_out(said, said.partner("<b>x</b>"), "<script>alert(1)</script>\r\nBcc: x@example.org")
    words = rendered(fact, "es")
    assert "<script" not in words.html
    assert "<b>" not in words.html
    assert words.subject == "El acceso de «<script>alert(1)</script> Bcc: x@example.org» está por vencer"
