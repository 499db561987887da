"""Paths through the web of memberships, whatever it looks like: everybody who has one, by a shortest one, and circles do no harm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.partners.inheritance.models import Path, Step, Web

PARTNERS = [f"partner-{number}" for number in range(7)]
one = st.sampled_from(PARTNERS)
steps = st.lists(st.tuples(one, one, st.booleans(), st.sampled_from([None, True, False])), max_size=20)


@given(steps, st.sets(one, min_size=1, max_size=2))
def test_everybody_with_a_path_has_a_shortest_one_and_nobody_else_has_any(
    given_: list[tuple[str, str, bool, bool | None]], bound: set[str]
) -> None:
    web = [Step(f"membership-{number:02}", partner, network, by_choice) for number, (partner, network, by_choice, _) in enumerate(given_)]
    chosen = {f"membership-{number:02}": taken for number, (*_, taken) in enumerate(given_) if taken is not None}
    passing = [step for step in web if chosen.get(step.membership, not step.by_choice)]
    paths = Web(web).reached(bound, chosen)
    assert {partner: len(path) for partner, path in paths.items()} == distances(passing, bound)
    for partner, path in paths.items():
        assert leads(partner, path, bound)
        assert set(path) <= set(passing)


def distances(passing: list[Step], bound: set[str]) -> dict[str, int]:
    """How far everybody is from a party, found by going over all steps until nobody comes nearer."""
    far = dict.fromkeys(bound, 0)
    for _ in PARTNERS:
        for step in passing:
            if step.network in far:
                far[step.partner] = min(far.get(step.partner, 99), far[step.network] + 1)
    return far


def leads(partner: str, path: Path, bound: set[str]) -> bool:
    """Whether each step begins where the one before it ended, from the partner to a party."""
    for step in path:
        if step.partner != partner:
            return False
        partner = step.network
    return partner in bound
