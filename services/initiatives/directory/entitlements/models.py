"""What the partners service says of entitlements, kept as a view; and why a partner may take part, in words, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from string import ascii_lowercase
from typing import Any, Final, Self

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.initiatives.models import Model
from shared.db import Key
from shared.refusals import Conflict

LINES: Final = ("knowledge_exchange", "joint_projects", "advocacy_networking", "partnership_facilitation")
"""The four lines of cooperation, a to d."""

PARTY, MEMBERSHIP = "party", "membership"

_LINES_SAID: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "es": ("intercambio de conocimientos", "proyectos conjuntos", "defensa y creación de redes", "facilitación de asociaciones"),
    "en": ("knowledge exchange", "joint projects", "advocacy and networking", "partnership facilitation"),
    "pt": ("intercâmbio de conhecimentos", "projetos conjuntos", "promoção e criação de redes", "facilitação de parcerias"),
    "de": ("Wissensaustausch", "gemeinsame Projekte", "Interessenvertretung und Vernetzung", "Vermittlung von Partnerschaften"),
    "uk": ("обмін знаннями", "спільні проєкти", "адвокація та налагодження зв'язків", "сприяння партнерствам"),
    "ms": ("pertukaran pengetahuan", "projek bersama", "advokasi dan rangkaian", "pemudahcaraan perkongsian"),
    "ko": ("지식 교류", "공동 프로젝트", "옹호 및 네트워킹", "파트너십 연계"),
}

_AS_PARTY: Final = {
    "es": "{partner} puede participar porque es parte de «{agreement}», línea {letter} ({line}).",
    "en": "{partner} may take part because it is party to “{agreement}”, line {letter} ({line}).",
    "pt": "{partner} pode participar porque é parte de «{agreement}», linha {letter} ({line}).",
    "de": "{partner} darf teilnehmen, weil es Vertragspartei von „{agreement}“ ist, Linie {letter} ({line}).",
    "uk": "{partner} може брати участь як сторона документа «{agreement}», напрям {letter} ({line}).",
    "ms": "{partner} boleh menyertai kerana ia pihak kepada “{agreement}”, bidang {letter} ({line}).",
    "ko": "{partner}: “{agreement}”의 당사자이므로 {letter}항({line})에 참여할 수 있습니다.",
}

_AS_MEMBER: Final = {
    "es": "{partner} puede participar porque es miembro de {network}, que es parte de «{agreement}», línea {letter} ({line}).",
    "en": "{partner} may take part because it is a member of {network}, which is party to “{agreement}”, line {letter} ({line}).",
    "pt": "{partner} pode participar porque é membro de {network}, que é parte de «{agreement}», linha {letter} ({line}).",
    "de": "{partner} darf teilnehmen, weil es Mitglied von {network} ist, einer Vertragspartei von „{agreement}“, Linie {letter} ({line}).",
    "uk": "{partner} може брати участь як член мережі {network}, сторони документа «{agreement}», напрям {letter} ({line}).",
    "ms": "{partner} boleh menyertai kerana ia ahli {network}, iaitu pihak kepada “{agreement}”, bidang {letter} ({line}).",
    "ko": "{partner}: {network}의 회원이고 그 네트워크가 “{agreement}”의 당사자이므로 {letter}항({line})에 참여할 수 있습니다.",
}


class KnownEntitlement(Model):
    """Whether a partner may use lines of an agreement now, as the partners service said last; it alone decides that.

    ``memberships`` and ``networks`` are the steps from the partner up to the ``party``, none when it is the party itself. They are
    those of the day it was said: a partner that has another way as well keeps its entitlement, unsaid, when the first one ends.
    """

    __tablename__ = "known_entitlement"
    __table_args__ = (Index("ix_known_entitlement_partner", "partner", "agreement"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(Key)
    agreement: Mapped[str] = mapped_column(Key)
    lines: Mapped[list[str]] = mapped_column(ARRAY(Text))
    party: Mapped[str] = mapped_column(Key)
    memberships: Mapped[list[str]] = mapped_column(ARRAY(Key))
    networks: Mapped[list[str]] = mapped_column(ARRAY(Key))
    held: Mapped[bool]
    reason: Mapped[str]
    heard_at: Mapped[datetime]


VIEWS: Final = (KnownEntitlement,)
"""All that the handlers of this room fill, and nobody else: what a rebuild empties."""


class NotEntitled(Conflict):
    """The partners service entitles a partner to nothing under this agreement, or to nothing that lasts until that day.

    ``missing`` says for each such partner what it lacks and what would help; or flag the exchange ``outside_agreement``.
    """

    code = "not-entitled"
    title = "A partner may not take part under this agreement."


@dataclass(frozen=True, slots=True)
class Path:
    """How a partner comes to an agreement: as party itself, or by its membership of a network that is party, or belongs to one.

    ``networks`` lead from the partner's own up to the party. ``until`` is the last day on which the agreement and all memberships
    on the way hold, none when none of them ends.
    """

    partner: str
    party: str
    membership: str | None = None
    role: str | None = None
    until: date | None = None
    networks: tuple[str, ...] = ()

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> Self:
        """A path as it was kept in JSON; the older ones knew no network but the party."""
        until, membership = kept["until"], kept["membership"]
        day = None if until is None else date.fromisoformat(until)
        networks = kept.get("networks", () if membership is None else (kept["party"],))
        return cls(str(kept["partner"]), str(kept["party"]), membership, kept["role"], day, tuple(networks))

    def now(self, survivors: Mapping[str, str]) -> Self:
        """The same way in the names of those who are there now, after merges: ``survivors`` by the ids they had."""
        partner, party = survivors.get(self.partner, self.partner), survivors.get(self.party, self.party)
        return replace(self, partner=partner, party=party, networks=tuple(survivors.get(each, each) for each in self.networks))

    @property
    def via(self) -> str:
        """``party`` or ``membership``."""
        return PARTY if self.membership is None else MEMBERSHIP


def because(path: Path, line: str, titles: Mapping[str, str], names: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Why the partner may take part, by language; ``names`` has the names of the partner and the networks, by id."""
    sentences = _AS_PARTY if path.via == PARTY else _AS_MEMBER
    return {
        language: sentence.format(
            partner=_in(language, names.get(path.partner), path.partner),
            network=" → ".join(_in(language, names.get(network), network) for network in path.networks),
            agreement=_in(language, titles, "?"),
            letter=_letter(line),
            line=_line(language, line),
        )
        for language, sentence in sentences.items()
    }


def _in(language: str, texts: Mapping[str, str] | None, otherwise: str) -> str:
    if not texts:
        return otherwise
    return texts.get(language) or texts.get("en") or texts.get("es") or next(iter(texts.values()))


def _letter(line: str) -> str:
    return ascii_lowercase[LINES.index(line)] if line in LINES else "?"


def _line(language: str, line: str) -> str:
    return _LINES_SAID[language][LINES.index(line)] if line in LINES else line
