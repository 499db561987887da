"""A name and the forms in which it is compared: folded, as words that say something, as sounds, as initials."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Self

from anyascii import anyascii

from services.partners.registry.words.models import CARDINALS, COMMON_WORDS, FILLERS, KIND_WORDS, SAINTS, spaced, undotted

MOST_DROPPED = 2
"""How many words may be missing at either end of a name that is held within another."""
MOST_JOINED = 3
"""How many words some write as one."""
SHORTEST_ACRONYM, LONGEST_ACRONYM = 3, 8
MOST_WORDS, LONGEST_WORD = 24, 60
"""Words of a name and letters of a word that count; what is longer is an address or an accident."""

_SOUNDS: Final = (
    (re.compile("kh"), "h"),
    (re.compile("ph"), "f"),
    (re.compile("(?<=[bdg])h"), ""),
    (re.compile("t[sz]"), "s"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("ck|[cq]"), "k"),
    (re.compile("w"), "v"),
    (re.compile("z"), "s"),
    (re.compile("ou"), "u"),
    (re.compile("([aou])e"), r"\1"),
    (re.compile("[eijy]+"), "i"),
    (re.compile(r"([a-z])\1+"), r"\1"),
    (re.compile("(?<=[a-z]{4})i$"), ""),
)
"""Where spellings and transliterations of one word differ: ``Kyiv``, ``Kiev``, ``Kiew`` and ``Київ`` all come out as ``kiv``."""


def fold(text: str) -> str:
    """The text in plain lower-case ASCII words: ``Área Metropolitana, Київ`` → ``area metropolitana kiiv``."""
    return " ".join(re.findall(r"[a-z0-9]+", anyascii(undotted(text)).casefold()))


def trigrams(folded: Iterable[str]) -> list[str]:
    """The three-letter pieces of every word, padded in front by two spaces and behind by one so that beginnings count more."""
    words = {word for text in folded for word in text.split()}
    return sorted({piece for word in words for piece in pieces(word)})


def pieces(word: str) -> list[str]:
    """The three-letter pieces of one folded word, in its order."""
    return [f"  {word} "[place : place + 3] for place in range(len(word) + 1)]


def halves(word: str) -> list[list[str]]:
    """Its first and its last pieces: of a word misspelt in one place one of the two is still whole, and rarer than any piece alone."""
    found = pieces(word)
    kept = max((len(found) - 2) // 2, 2)
    return [found[:kept], found[-kept:]] if len(found) >= 2 * kept + 2 else [found[:kept]]


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """How a folded word sounds, roughly, whoever wrote it down; a word with a digit sounds like nothing but itself."""
    word = word[:LONGEST_WORD]
    if not word.isalpha():
        return word
    if word in SAINTS:
        return "san"
    for written, heard in _SOUNDS:
        word = written.sub(heard, word)
    return word


def _sounds_of(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(sound(word) for text in texts for word in fold(text).split())


_KIND_SOUNDS: Final = {kind: _sounds_of(texts) for kind, texts in KIND_WORDS.items()}
COMMON_SOUNDS: Final = _sounds_of(COMMON_WORDS).union(*_KIND_SOUNDS.values())
"""How the words sound that very many names have."""
_CARDINALS: Final = {sound(fold(word)): digit for word, digit in CARDINALS.items()}


def kind_sounds(kind: str) -> frozenset[str]:
    """How the words sound that every institution of this kind may bear."""
    return _KIND_SOUNDS.get(kind, frozenset())


@dataclass(frozen=True, slots=True)
class Name:
    """One name: ``words`` and ``sounds`` in its own order without words that say nothing, ``acronyms`` those of them in capitals.

    ``ordered`` are the sounds from a to z, ``windows`` those of its shorter forms, ``initials`` what it may be abbreviated to, each with
    the sounds that this leaves out at the end (a place, mostly).
    """

    text: str
    folded: str
    words: tuple[str, ...]
    sounds: tuple[str, ...]
    ordered: tuple[str, ...]
    acronyms: frozenset[str]
    windows: frozenset[tuple[str, ...]]
    initials: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, text: str) -> Self:
        """The name in every form; a text without letters or digits has none."""
        said = fold(spaced(undotted(text))).split()[:MOST_WORDS]
        words = tuple(word for word in said if word not in FILLERS) or tuple(said)
        sounds = tuple(map(sound, words))
        return cls(text, fold(text), words, sounds, tuple(sorted(sounds)), _acronyms(text), _windows(sounds), _initials(words, sounds))

    def distinct(self, kind: str) -> frozenset[str]:
        """The sounds that tell it from others of its kind: ``Alcaldía de Medellín`` and ``Medellín`` are the same city."""
        return frozenset(self.sounds) - kind_sounds(kind)

    def joined(self, kind: str) -> str:
        """How its few telling words sound written as one, as ``Kota Bharu`` and ``Kotabharu`` are; nothing if they are many or numbers."""
        said = [word for word, heard in zip(self.words, self.sounds, strict=True) if heard not in kind_sounds(kind)]
        return sound("".join(said)) if len(said) <= MOST_JOINED and all(word.isalpha() for word in said) else ""


def _windows(sounds: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    ends = [(first, last) for first in range(MOST_DROPPED + 1) for last in range(MOST_DROPPED + 1) if 0 < first + last < len(sounds)]
    return frozenset(sounds[first : len(sounds) - last] for first, last in ends)


def _initials(words: tuple[str, ...], sounds: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    letters = "".join(_CARDINALS.get(heard, word[0]) for word, heard in zip(words, sounds, strict=True))
    kept = [len(letters) - left for left in range(MOST_DROPPED + 1)]
    return {shuffled(letters[:count]): sounds[count:] for count in kept if SHORTEST_ACRONYM <= count <= LONGEST_ACRONYM}


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """The name, remembered: one registration compares it with many others."""
    return Name.of(text)


def shuffled(letters: str) -> str:
    """An abbreviation in the one order of its letters, because another language has another: C4IR is C4RI in Spanish."""
    return "".join(sorted(letters)) if len(letters) > SHORTEST_ACRONYM else letters


def indexed(texts: Iterable[str], kind: str, locality: str | None, identifiers: Iterable[tuple[str, str]]) -> list[str]:
    """All that the index holds of a partner: the pieces of its names, their marks, and its keys in other systems."""
    names = [name_of(text) for text in texts]
    keys = {key_mark(written) for scheme, value in identifiers for written in (value, f"{scheme}:{value}")}
    return sorted({*trigrams(name.folded for name in names), *marks(names, kind, locality), *keys})


def key_mark(value: str) -> str:
    """What finds a partner by its key in another system, written ``value`` or ``scheme:value``."""
    return f"#{_digest(value.casefold())}"


def marks(names: Iterable[Name], kind: str, locality: str | None) -> set[str]:
    """What finds a partner whose name is near: kept in the index beside the trigrams, each beginning with a sign that no trigram has."""
    place = name_of(locality).sounds if locality else ()
    found: set[str] = set()
    for name in names:
        found |= {f"~{heard}" for heard in name.sounds}
        found.add(mark("=", name.sounds))
        found |= {mark("<", window) for window in name.windows}
        found |= {f"^{letters}" for letters in name.initials}
        found |= {f".{shuffled(word)}" for word in name.acronyms}
        found.add(mark(f"@{kind}", name.distinct(kind) or place))
        found |= joined_marks(name, kind)
        found |= lone_marks([word for word, heard in zip(name.words, name.sounds, strict=True) if heard not in kind_sounds(kind)])
    return found


def lone_marks(words: Sequence[str]) -> set[str]:
    """How a word begins and ends that is all a name says: what finds the city of Medellín among the thousands that are *in* Medellín."""
    return {f"!{words[0][:3]}", f"!{words[0][-3:]}"} if len(words) == 1 else set()


def joined_marks(name: Name, kind: str) -> set[str]:
    """What finds a name whose words somebody else writes as one, or one that somebody else writes as several."""
    return {mark(f"@{kind}", [name.joined(kind)])} - {mark(f"@{kind}", [""])}


def mark(sign: str, sounds: Iterable[str]) -> str:
    """Any number of sounds, in whatever order, as one short text."""
    return sign + _digest(" ".join(sorted(sounds)))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _acronyms(text: str) -> frozenset[str]:
    written = re.findall(r"\w+", undotted(text))
    capital = [word for word in written if word.isupper() and SHORTEST_ACRONYM <= len(word) <= LONGEST_ACRONYM]
    if len(capital) == len(written) > 2:
        return frozenset()  # the whole name is in capitals, so they mean nothing
    return frozenset(fold(word) for word in capital)
