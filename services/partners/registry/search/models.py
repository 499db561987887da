"""What somebody looks for: which pieces of names the index is asked for, and how well a name answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Final, Self

from rapidfuzz.distance import OSA

from services.partners.registry.names.models import (
    COMMON_SOUNDS,
    LONGEST_ACRONYM,
    SHORTEST_ACRONYM,
    fold,
    halves,
    key_mark,
    kind_sounds,
    lone_marks,
    mark,
    name_of,
    pieces,
    shuffled,
    sound,
)
from services.partners.registry.words.models import FILLERS, KIND_WORDS

MOST_WORDS: Final = 8
"""How many words of a search count, the longest first."""
MOST_ASKED: Final = 3
"""How many of them the index is asked for, only those that tell one name from most others, if there are any."""
SHORT_WORD: Final = 3
LONG_WORD: Final = 6
"""From how many letters on a word's first or last pieces alone are rare enough to look for it misspelt."""
FORGIVEN: Final = range(4, 7)
"""How long a word is whose every misspelling in one place is looked for: its pieces are too few for one of them to be still whole."""
LEAST_ALIKE: Final = 0.6
"""How much of the words looked for a name must have, letter for letter, to be an answer."""
HEARD: Final = 0.97
"""How much a word is another that only sounds the same."""
BEGUN: Final = 0.8
"""How much a single letter is the long word that begins with it."""
NAME_LENGTH_COUNTS: Final = 0.15
"""How much less a name answers that says very much more than was looked for."""
SPREAD: Final = 0.9
"""How well a partner answers at most whose names, acronym and place have the words between them, none of them all."""

Alternatives = list[frozenset[str]]
"""Sets of marks and pieces; who has all of any one set may have the word."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search: the text as sent, and the words in it that are looked for."""

    text: str
    folded: str
    words: tuple[str, ...]
    _known: dict[str, tuple[float, ...]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """The search for this text; it has no words when the text has neither letter nor digit."""
        words = sorted(set(name_of(text).words), key=lambda word: (-len(word), word))
        return cls(text, fold(text), tuple(words[:MOST_WORDS]))

    def exact(self) -> set[str]:
        """What the index holds of a partner that bears this very name, or this key in another system (``value`` or ``scheme:value``)."""
        return {key_mark(self.text), *([mark("=", name_of(self.text).sounds)] if self.words else [])}

    def lone(self) -> set[str]:
        """What the index holds of a partner with a name that says a single word like the one looked for; nothing for several words."""
        return lone_marks(self.words) if len(self.words) == 1 else set()

    def kindred(self) -> set[str]:
        """What the index holds of a partner of a kind that some of the words say, which is called or is in what the others say."""
        name = name_of(self.text)
        telling = {kind: name.distinct(kind) for kind in KIND_WORDS}
        return {mark(f"@{kind}", rest) for kind, rest in telling.items() if rest and len(rest) < len(set(name.sounds))}

    def abbreviated(self) -> set[str]:
        """What the index holds of a partner with one of the words for its acronym, which others of its names need not have."""
        return {f".{shuffled(word)}" for word in self.words if SHORTEST_ACRONYM <= len(word) <= LONGEST_ACRONYM}

    def alternatives(self) -> list[Alternatives]:
        """For each telling word, what the index holds of a partner with a name that has it: well spelt, begun or misspelt in one place."""
        return [_alternatives(word) for word in self.telling()]

    def telling(self) -> Sequence[str]:
        """The words that the index is asked for."""
        return ([word for word in self.words if sound(word) not in COMMON_SOUNDS] or self.words)[:MOST_ASKED]

    def misheard(self) -> dict[str, set[str]]:
        """How the words sound from which one slip of the pen makes a telling word, if that is short; words of very many names left out."""
        short = [word for word in self.telling() if len(word) in FORGIVEN and word.isalpha()]
        return {word: set(map(sound, slips(word))) - COMMON_SOUNDS for word in short}

    def well_spelt(self, names: Iterable[str]) -> bool:
        """Whether these folded names of a partner have every short telling word as it is written, or heard."""
        heard = {sound(word) for name in names for word in name.split()}
        return heard.issuperset(sound(word) for word in self.telling() if len(word) in FORGIVEN)

    def answered(self, names: Sequence[str], kind: str, locality: str | None = None) -> float:
        """How well these folded names of a partner of this kind and place answer, from 0 (not at all) to 1 (one is the very name)."""
        best = max((self._answers(name, kind) for name in names), default=0.0)
        return best if len(self.words) < 2 or best >= SPREAD else max(best, self._answer_together(names, locality))

    def nearest(self, texts: Iterable[str], kind: str) -> str:
        """Which of these names answers best, or has most of the words if none of them answers alone."""
        return max(texts, key=lambda one: (self._answers(fold(one), kind), self._alike(self._each(fold(one).split()))))

    def is_key(self, scheme: str, value: str) -> bool:
        """Whether the text is this external identifier."""
        return self.text.casefold() in (value.casefold(), f"{scheme}:{value}".casefold())

    def _answers(self, name: str, kind: str) -> float:
        if name == self.folded:
            return 1.0
        length, others = sum(map(len, self.words)), name.split()
        alike = self._alike(self._each(others))
        if alike < LEAST_ALIKE:
            return 0.0
        telling = sum(len(other) for other in others if other not in FILLERS and sound(other) not in kind_sounds(kind))
        covered = min(1.0, length / (telling or 1))
        return alike * (1 - NAME_LENGTH_COUNTS * (1 - covered)) * 0.99

    def _answer_together(self, names: Sequence[str], locality: str | None) -> float:
        said = self._each([word for name in names for word in name.split()])
        if not any(said):
            return 0.0  # to be in a place answers nothing by itself
        alike = self._alike([max(both) for both in zip(said, self._each(fold(locality or "").split()) or said, strict=True)])
        return alike * SPREAD if alike >= LEAST_ALIKE else 0.0

    def _each(self, others: Iterable[str]) -> list[float]:
        """How much each word looked for is the nearest of these."""
        return [max(best) for best in zip(*map(self._likenesses, others), strict=True)]

    def _alike(self, each: list[float]) -> float:
        return sum(len(word) * best for word, best in zip(self.words, each, strict=False)) / (sum(map(len, self.words)) or 1)

    def _likenesses(self, other: str) -> tuple[float, ...]:
        found = self._known.get(other)
        if found is None:
            found = self._known[other] = tuple(_likeness(word, other) for word in self.words)
        return found


def _likeness(word: str, other: str) -> float:
    if word == other:
        return 1.0
    heard, other_heard = sound(word), sound(other)
    if heard == other_heard:
        return HEARD
    begun = BEGUN + (1 - BEGUN) * len(word) / len(other) if other.startswith(word) else 0.0
    if not (word.isalpha() and other.isalpha()):
        return begun
    alike = max(OSA.normalized_similarity(word, other), OSA.normalized_similarity(heard, other_heard) * HEARD)
    return max(begun, alike if alike >= LEAST_ALIKE else 0.0)


def _alternatives(word: str) -> Alternatives:
    heard = frozenset([f"~{sound(word)}"])
    if len(word) < SHORT_WORD:
        return [heard, frozenset([f"  {word}"[-SHORT_WORD:]])]
    return [heard, *map(frozenset, halves(word) if len(word) >= LONG_WORD else [pieces(word)[:-1]])]


def slips(word: str) -> set[str]:
    """Every word from which it differs in one letter left out, put in or taken for another, or in two that changed places."""
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    swapped = {begin + end[1] + end[0] + end[2:] for begin, end in parts if len(end) > 1}
    fewer = {begin + end[1:] for begin, end in parts if end}
    more = {begin + letter + end for begin, end in parts for letter in ascii_lowercase}
    others = {begin + letter + end[1:] for begin, end in parts if end for letter in ascii_lowercase}
    return (swapped | fewer | more | others) - {word}
