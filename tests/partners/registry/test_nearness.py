"""Nearness of names without a database: what order, script and spelling do not change, and that the index finds what is near."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.partners.registry.duplicates.models import How, Known, likenesses
from services.partners.registry.names.models import fold, indexed, sound

WORDS = ["Alcaldía", "de", "Medellín", "Universidad", "Nacional", "C4IR", "GGTC", "Київ", "Kiev", "서울특별시", "Global", "Government"]
WORDS += ["Technology", "Centre", "Centro", "para", "la", "Cuarta", "Revolución", "Industrial", "Ruta", "N", "Zorro", "OECD", "7"]
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
kinds = st.sampled_from(["city", "tech_centre", "academia", "other"])
localities = st.sampled_from([None, "Medellín", "Kyiv"])
partners = st.builds(lambda kind, texts, place: (kind, tuple(texts), place), kinds, st.lists(names, min_size=1, max_size=4), localities)
Said = tuple[str, tuple[str, ...], str | None]


def known(said: Said) -> Known:
    kind, texts, locality = said
    aliases = [{"text": text} for text in texts[1:]]
    return Known.of({"kind": kind, "names": {"es": texts[0]}, "aliases": aliases, "acronym": None, "locality": locality})


@given(partners, partners, st.randoms())
def test_the_order_of_names_says_nothing(one: Said, other: Said, chance: st.DataObject) -> None:
    texts = list(one[1])
    chance.shuffle(texts)  # type: ignore[attr-defined]  # what st.randoms gives
    assert likenesses(known((one[0], tuple(texts), one[2])), known(other)) == likenesses(known(one), known(other))


@given(partners, partners)
def test_being_near_is_mutual(one: Said, other: Said) -> None:
    here, there = likenesses(known(one), known(other)), likenesses(known(other), known(one))
    assert [(near.score, near.how) for near in here] == [(near.score, near.how) for near in there]


@given(partners)
def test_everybody_is_like_itself(one: Said) -> None:
    assert likenesses(known(one), known(one))[0].score == 1.0


@given(partners, partners)
def test_the_index_finds_whoever_is_near(one: Said, other: Said) -> None:
    mine, held = known(one), set(indexed(other[1], other[0], other[2], []))
    near = [like for like in likenesses(mine, known(other)) if like.how != How.ALIKE]
    same_kind = one[0] == other[0]
    found = mine.marks() & held or any(grams <= held for needs_kind, grams in mine.misspelt() if same_kind or not needs_kind)
    assert not near or found or {fold(text) for text in one[1]} & {fold(text) for text in other[1]}


@given(st.text())
def test_any_text_has_a_sound(text: str) -> None:
    for word in fold(text).split():
        assert sound(word)


def test_one_place_sounds_the_same_however_it_is_written() -> None:
    for places in (["Kyiv", "Kiev", "Kiew", "Київ", "Киев"], ["Seúl", "Seoul", "서울"], ["Köln", "Koeln", "Koln"], ["Харків", "Kharkiv"]):
        assert len({sound(fold(place)) for place in places}) == 1, places
    assert len({sound(fold(place)) for place in ("Cali", "Bogotá", "Busan", "Seoul", "Kyiv", "Lviv")}) == 6
