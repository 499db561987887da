"""How near two institutions' names are: a score, and which name is like which, and how."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import Any, Final, Protocol, Self

from rapidfuzz.distance import OSA

from services.partners.registry.names.models import (
    COMMON_SOUNDS,
    SHORTEST_ACRONYM,
    Name,
    fold,
    halves,
    joined_marks,
    kind_sounds,
    mark,
    name_of,
    shuffled,
    sound,
)

LEAST_COVERED: Final = 0.5
"""How much of the longer name the shorter one must make up to be suspected, words that say little counting less; a single word more."""
LEAST_COVERED_BY_SEVERAL: Final = 0.4
"""The same of a shorter name of the same kind with two words or more that few institutions bear."""
MOST_BESIDE_AN_ACRONYM: Final = 1
"""How many words may stand beside an acronym that is all the other name says: ``RAMCC Argentina``."""
LITTLE: Final = 0.4
"""What a word counts that many institutions bear: that of their kind, or of the place."""
MOST_MISSPELT: Final = 2
MOST_NAMES_MISSPELT: Final = 4
"""How many names (the longest) are also looked for misspelt; under the rest of them a duplicate is still found well spelt."""
MOST_REASONS: Final = 3


class How(StrEnum):
    """In which way a name is like another."""

    SAME_NAME = "same_name"
    SAME_ACRONYM = "same_acronym"
    WITHIN = "one_within_the_other"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two names that are near: from 0 to 1, where 1 is the same."""

    score: float
    how: How
    yours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Known:
    """An institution by all that can give it away: its names, its kind and its place.

    ``distinct`` are the telling sounds of each name, ``joined`` what these are as one word.
    """

    kind: str
    names: tuple[Name, ...]
    acronym: str
    place: tuple[str, ...]
    distinct: dict[str, tuple[str, ...]]
    joined: dict[str, str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From what a partner says of itself: ``names``, ``aliases``, ``acronym``, ``kind``, ``locality``."""
        texts = {*said["names"].values(), *(alias["text"] for alias in said["aliases"]), said["acronym"] or ""}
        names = tuple(name for name in map(name_of, sorted(texts)) if name.folded)
        place = name_of(said["locality"]).ordered if said["locality"] else ()
        distinct = {name.text: tuple(sorted(name.distinct(said["kind"]))) for name in names}
        joined = {name.text: name.joined(said["kind"]) for name in names}
        return cls(said["kind"], names, fold(said["acronym"] or ""), place, distinct, joined)

    def marks(self) -> set[str]:
        """What the index holds of a partner whose name is near one of these in any way but misspelt."""
        wanted = {mark(f"@{self.kind}", self.distinct[name.text] or self.place) for name in self.names}
        for name in self.names:
            wanted |= joined_marks(name, self.kind)
            wanted |= {mark("=", name.sounds), mark("<", name.sounds), *(mark("=", window) for window in name.windows)}
            wanted |= {f".{letters}" for letters in name.initials} | {f"^{shuffled(word)}" for word in name.acronyms}
        return wanted

    def misspelt(self) -> set[tuple[bool, frozenset[str]]]:
        """What the index holds together of a partner with a misspelt word in one of these names, and whether its kind must be the same."""
        wanted: set[tuple[bool, frozenset[str]]] = set()
        for name in sorted(self.names, key=lambda one: (-len(one.folded), one.folded))[:MOST_NAMES_MISSPELT]:
            for same_kind in (False, True):
                telling = [word for word in name.words if not same_kind or sound(word) in self.distinct[name.text]]
                for word in sorted(telling, key=lambda one: (-len(one), one))[:MOST_MISSPELT]:
                    others = {f"~{sound(other)}" for other in telling if other != word}
                    wanted |= {(same_kind, frozenset(others.union(half))) for half in halves(word) if len(word) > 4}
        return {one for one in wanted if not (one[0] and (False, one[1]) in wanted)}


class Newcomer(Protocol):
    """An institution that was let in a moment ago, with its names and all that the index will hold of it."""

    id: str
    kind: str
    folded: list[str]
    grams: list[str]


class Newcomers:
    """Those let in one after the other before any of them is written, found in the ways in which the index finds what is written."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._bearing: dict[tuple[str, str], list[Newcomer]] = defaultdict(list)
        self._grams: dict[str, frozenset[str]] = {}

    def add(self, place: str, one: Newcomer) -> None:
        """Let one in; only in the same ``place`` it is found."""
        self._grams[one.id] = frozenset(one.grams)
        for text in (*_names(one.folded), *self._grams[one.id]):
            self._bearing[place, text].append(one)

    def near(self, place: str, mine: Known, folded: Iterable[str]) -> Iterator[Newcomer]:
        """Those with one of these very names, then those with a name near one of ``mine``; each once."""
        seen: set[str] = set()
        for one in (*self._any(place, _names(folded)), *self._any(place, sorted(mine.marks())), *self._misspelt(place, mine)):
            if one.id not in seen:
                seen.add(one.id)
                yield one

    def _any(self, place: str, texts: Iterable[str]) -> Iterator[Newcomer]:
        for text in texts:
            yield from self._bearing.get((place, text), ())

    def _misspelt(self, place: str, mine: Known) -> Iterator[Newcomer]:
        for same_kind, grams in mine.misspelt():
            rarest = min((self._bearing.get((place, gram), ()) for gram in grams), key=len)
            yield from (one for one in rarest if grams <= self._grams[one.id] and not (same_kind and one.kind != mine.kind))


def _names(folded: Iterable[str]) -> Iterator[str]:
    """Whole names among pieces of names: a name of three letters is no piece."""
    return (f"whole {text}" for text in folded)


def likenesses(mine: Known, other: Known) -> list[Likeness]:
    """The ways in which one might be the other, nearest first; none when they are plainly two."""
    pair = _Pair(mine, other)
    found = [Likeness(pair.strengthened(*near), near[1], yours.text, theirs.text) for yours, theirs, near in pair.found()]
    return sorted(found, key=lambda one: (-one.score, one.how, one.yours, one.theirs))[:MOST_REASONS]


_Near = tuple[float, How]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two institutions; what holds of both is asked for each pair of their names."""

    mine: Known
    other: Known

    def found(self) -> Iterator[tuple[Name, Name, _Near]]:
        for yours in self.mine.names:
            for theirs in self.other.names:
                near = self._same(yours, theirs) or self._abbreviated(yours, theirs) or self._within(yours, theirs)
                near = near or self._same_but_for_its_kind(yours, theirs) or self._misspelt(yours.sounds, theirs.sounds)
                if near:
                    yield yours, theirs, near

    def strengthened(self, score: float, how: How) -> float:
        """A little more for the same kind and the same place; only the same name is certain."""
        more = 0.03 * (self.mine.kind == self.other.kind) + 0.03 * self._same_place()
        return 1.0 if score == 1 else round(min(score + more, 0.99), 2)

    def _same_place(self) -> bool:
        return bool(self.mine.place) and self.mine.place == self.other.place

    def _same(self, yours: Name, theirs: Name) -> _Near | None:
        if yours.folded == theirs.folded:
            acronym = yours.folded == self.mine.acronym == self.other.acronym or yours.folded in yours.acronyms & theirs.acronyms
            return 1.0, How.SAME_ACRONYM if acronym else How.SAME_NAME
        return (0.93, How.SAME_NAME) if yours.ordered == theirs.ordered else None

    def _abbreviated(self, yours: Name, theirs: Name) -> _Near | None:
        found = self._abbreviates(yours, theirs, self.mine, self.other) or self._abbreviates(theirs, yours, self.other, self.mine)
        return (0.88, How.SAME_ACRONYM) if found else None

    def _abbreviates(self, short: Name, long: Name, its: Known, others: Known) -> bool:
        """Whether one's acronym are the other's initials, and what both say beside it is the same place."""
        for acronym in short.acronyms:
            beside = long.initials.get(shuffled(acronym))
            if beside is not None and (len(acronym) > 3 or its.kind == others.kind):
                rest = tuple(sound(word) for word in short.words if word != acronym)
                here, there = rest or its.place, beside or others.place
                if not here or not there or sorted(here) == sorted(there):
                    return True
        return False

    def _within(self, yours: Name, theirs: Name) -> _Near | None:
        if theirs.sounds in yours.windows:
            short, long = theirs.sounds, yours.sounds
        elif yours.sounds in theirs.windows:
            short, long = yours.sounds, theirs.sounds
        else:
            return None
        little = {*self.mine.place, *self.other.place, *kind_sounds(self.mine.kind), *kind_sounds(self.other.kind)}
        says = [word for word in short if word not in little]
        if not says or (len(short) == 1 and self.mine.kind != self.other.kind):
            return None
        if self._is_acronym_of(yours, theirs):
            return 0.75, How.SAME_ACRONYM
        weight = [sum(LITTLE if word in little else 1.0 for word in words) for words in (short, long)]
        covered = weight[0] / weight[1]
        several = self.mine.kind == self.other.kind and sum(word not in COMMON_SOUNDS for word in says) > 1
        least = LEAST_COVERED_BY_SEVERAL if several else LEAST_COVERED + 0.05 * (len(short) == 1)
        return (0.5 + 0.4 * covered, How.WITHIN) if covered >= least else None

    @staticmethod
    def _is_acronym_of(yours: Name, theirs: Name) -> bool:
        """Whether one is nothing but an acronym, and the other that and hardly anything beside it."""
        short, long = sorted((yours, theirs), key=lambda one: len(one.words))
        acronyms = {word for word in short.acronyms & long.acronyms if len(word) > SHORTEST_ACRONYM}
        return short.words in {(word,) for word in acronyms} and len(long.words) - 1 <= MOST_BESIDE_AN_ACRONYM

    def _same_but_for_its_kind(self, yours: Name, theirs: Name) -> _Near | None:
        """Whether only words differ that any institution of this kind may bear: two centres of one city, two names of one city."""
        if self.mine.kind != self.other.kind:
            return None
        mine = self.mine.distinct[yours.text] or self.mine.place
        other = self.other.distinct[theirs.text] or self.other.place
        if not mine or not other:
            return None
        joined = self.mine.joined[yours.text]
        if mine == other or (joined and joined == self.other.joined[theirs.text]):
            return 0.75, How.ALIKE
        near = self._misspelt(mine, other)
        return (near[0] - 0.15, How.ALIKE) if near else None

    def _misspelt(self, yours: tuple[str, ...], theirs: tuple[str, ...]) -> _Near | None:
        """Whether the words are the same in whatever order, but for a letter or two in one or two of them."""
        if len(yours) != len(theirs):
            return None
        left, right = list(yours), []
        for word in theirs:
            if word in left:
                left.remove(word)
            else:
                right.append(word)
        if not 0 < len(left) <= MOST_MISSPELT:
            return None
        orders = ([*zip(left, order, strict=True)] for order in permutations(right))
        return (0.85, How.ALIKE) if any(all(self._one_word(*both) for both in order) for order in orders) else None

    def _one_word(self, one: str, two: str) -> bool:
        if not (one.isalpha() and two.isalpha()):
            return False
        longest = max(len(one), len(two)) + (self._same_place() and self.mine.kind == self.other.kind)
        allowed = (longest >= 6) + (longest >= 9)
        return OSA.distance(one, two, score_cutoff=allowed) <= allowed
