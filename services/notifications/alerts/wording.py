"""What a message says: from a fact to the texts a template puts in place, a pure function per fact."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel import Locale

from services.notifications.alerts.affairs import AFFAIRS, affair
from services.notifications.alerts.labels import AGREEMENT_KINDS, EXCHANGE_KINDS, LINES, MODALITIES, REASONS, label
from services.notifications.alerts.phrases import between, day, listed, one_line, text_in
from shared.events import (
    AgreementEnteredIntoForce,
    AgreementRef,
    AgreementSigned,
    Event,
    ExchangeRef,
    ExchangeRescheduled,
    LineTerms,
)
from shared.events.partners import Names

LONGEST_SUBJECT = 160


def said(fact: Event, names: Mapping[str, Names], language: str, timezone: str = "UTC") -> dict[str, Any]:
    """What a template of this fact may put in place, in ``language``.

    ``names`` are the texts of ids the fact mentions, ``timezone`` that of the partner it is about, for a fact with no place of its own.
    """
    if isinstance(fact, AFFAIRS):
        return affair(fact, language, timezone)
    if isinstance(fact, AgreementSigned):
        return {**_agreement(fact.about, language), **_signed(fact, language)}
    if isinstance(fact, AgreementEnteredIntoForce):
        lines = [_line(LineTerms(line=line), language) for line in fact.lines]
        return {**_agreement(fact.about, language), **_days(fact.effective_on, fact.expires_on, language), "lines": lines}
    exchange: Any = fact
    words = {**_exchange(exchange.about, names, language), "id": exchange.exchange, "reason": getattr(exchange, "reason", None)}
    if isinstance(fact, ExchangeRescheduled):
        words["before"] = between(fact.previous.starts_at, fact.previous.ends_at, fact.previous.timezone, language)
    return words


def why(matched: Mapping[str, Any], names: Mapping[str, Names], language: str) -> str:
    """Why somebody is told, in one sentence: whom the matter concerns, or what of it they follow."""
    words = REASONS[language]
    if matched.get("role") == "affected":
        concerned = names.get(str(matched.get("vouched_by")))
        return words["affected"].format(partner=text_in(concerned, language)) if concerned else words["affected_unnamed"]
    parts = []
    for kind in ("partners", "networks", "agreements", "lines", "topics"):
        found = [_called(kind, each, names, language) for each in matched.get(kind) or ()]
        if known := list(dict.fromkeys(each for each in found if each)):
            parts.append(words[kind].format(names=listed(known, language)))
    return words["follows"].format(what=listed(parts, language)) if parts else words["everything"]


def _agreement(about: AgreementRef, language: str) -> dict[str, Any]:
    parties = [_with_acronym(text_in(party.names, language), party.acronym) for party in about.parties]
    return {
        "title": text_in(about.titles, language),
        "code": one_line(about.code),
        "kind": label(AGREEMENT_KINDS, about.kind, language),
        "parties": parties,
        "parties_listed": listed(parties, language),
    }


def _with_acronym(name: str, acronym: str | None) -> str:
    return f"{name} ({one_line(acronym)})" if acronym and acronym.casefold() not in name.casefold() else name


def _signed(fact: AgreementSigned, language: str) -> dict[str, Any]:
    return {
        **_days(fact.effective_on, fact.expires_on, language),
        "signed_on": day(fact.signed_on, language),
        "historic": fact.historic,
        "lines": [_line(line, language) for line in fact.lines],
    }


def _days(effective: date, expires: date | None, language: str) -> dict[str, Any]:
    return {"effective_on": day(effective, language), "expires_on": day(expires, language) if expires else None}


def _line(line: LineTerms, language: str) -> dict[str, Any]:
    return {"label": label(LINES, line.line, language), "text": text_in(line.text, language) if line.text else None}


def _exchange(about: ExchangeRef, names: Mapping[str, Names], language: str) -> dict[str, Any]:
    agreement = names.get(about.agreement or "")
    languages = [Locale.parse(language).languages.get(tag.partition("-")[0], tag) for tag in about.languages]
    title, kind = text_in(about.titles, language), label(EXCHANGE_KINDS, about.kind, language)
    return {
        "title": title,
        "heading": title if title.casefold().startswith(kind.casefold()) else f"{kind}: {title}",
        "when": between(about.starts_at, about.ends_at, about.timezone, language),
        "modality": label(MODALITIES, about.modality, language),
        "place": one_line(about.place) if about.place else None,
        "url": about.url,
        "languages": listed(languages, language) if languages else None,
        "hosts": listed([text_in(host.names, language) for host in about.hosts], language),
        "participants": [text_in(each.names, language) for each in about.participants],
        "line": label(LINES, about.line, language) if about.line else None,
        "agreement": text_in(agreement, language) if agreement else None,
    }


def _called(kind: str, each: str, names: Mapping[str, Names], language: str) -> str | None:
    if kind == "lines":
        return label(LINES, each, language)
    if kind == "topics":
        return one_line(each).replace("_", " ")
    return text_in(names[each], language) if each in names else None
