"""What somebody looks for: which pieces of names the index is asked for, and how well a name answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from rapidfuzz.distance import OSA

from services.partners.registry.names.models import (
    COMMON_SOUNDS,
    fold,
    halves,
    key_mark,
    kind_sounds,
    lone_marks,
    mark,
    name_of,
    pieces,
    sound,
)
from services.partners.registry.words.models import FILLERS

MOST_WORDS: Final = 8
"""How many words of a search count, the longest first."""
MOST_ASKED: Final = 3
"""How many of them the index is asked for, only those that tell one name from most others, if there are any."""
SHORT_WORD: Final = 3
LONG_WORD: Final = 6
"""From how many letters on a word's first or last pieces alone are rare enough to look for it misspelt."""
LEAST_ALIKE: Final = 0.6
"""How much of the words looked for a name must have, letter for letter, to be an answer."""
HEARD: Final = 0.97
"""How much a word is another that only sounds the same."""
BEGUN: Final = 0.8
"""How much a single letter is the long word that begins with it."""
NAME_LENGTH_COUNTS: Final = 0.15
"""How much less a name answers that says very much more than was looked for."""

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

    def alternatives(self) -> list[Alternatives]:
        """For each telling word, what the index holds of a partner with a name that has it: well spelt, begun or misspelt in one place."""
        telling = [word for word in self.words if sound(word) not in COMMON_SOUNDS] or self.words
        return [_alternatives(word) for word in telling[:MOST_ASKED]]

    def answered(self, names: Iterable[str], kind: str) -> float:
        """How well the best of these folded names of a partner of this kind answers, from 0 (not at all) to 1 (the very name)."""
        return max((self._answers(name, kind) for name in names), default=0.0)

    def is_key(self, scheme: str, value: str) -> bool:
        """Whether the text is this external identifier."""
        return self.text.casefold() in (value.casefold(), f"{scheme}:{value}".casefold())

    def _answers(self, name: str, kind: str) -> float:
        if name == self.folded:
            return 1.0
        length, others = sum(map(len, self.words)), name.split()
        each: list[float] = [max(best) for best in zip(*map(self._likenesses, others), strict=True)]
        alike: float = sum(len(word) * best for word, best in zip(self.words, each, strict=False)) / (length or 1)
        if alike < LEAST_ALIKE:
            return 0.0
        telling = sum(len(other) for other in others if other not in FILLERS and sound(other) not in kind_sounds(kind))
        covered = min(1.0, length / (telling or 1))
        return alike * (1 - NAME_LENGTH_COUNTS * (1 - covered)) * 0.99

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
