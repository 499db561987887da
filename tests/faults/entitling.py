"""Who may take part, three ways that must agree: what was told in turns, what the owner keeps, and what follows from memberships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.faults.history import Fact, History

BINDING = ("signatory", "supporting")


def turns(history: History) -> Iterator[str | None]:
    """Of each pair of partner and agreement the first occurrences in the log: granted, withdrawn, granted …, each once."""
    for subject, told in _told(history).items():
        for place, kind in enumerate(told):
            expected = ("granted", "withdrawn")[place % 2]
            yield None if kind == expected else f"{subject}: {kind} as number {place + 1}, where {expected} was due: {told}"


def last_told(history: History) -> dict[str, Any]:
    """Of each pair what the log told last: whether it is held."""
    return {subject.partition("/")[2]: told[-1] == "granted" for subject, told in _told(history).items()}


def entitled(history: History) -> dict[str, Any]:
    """Who may use which agreement by what was told of memberships, choices and agreements alone; `partner agreement` each."""
    ties, chosen, bound = _web(history)
    found: dict[str, Any] = {}
    for agreement, parties in bound.items():
        reached, front = set(parties), list(parties)
        while front:
            network = front.pop()
            for membership, (partner, into, by_choice) in ties.items():
                if into == network and partner not in reached and chosen.get((membership, agreement), not by_choice):
                    reached.add(partner)
                    front.append(partner)
        found |= {f"{partner} {agreement}": True for partner in reached}
    return found


def memberships(history: History) -> dict[str, Any]:
    """Of each membership who belongs to what, and the last day."""
    found: dict[str, Any] = {}
    for fact in sorted(history.outbox, key=lambda fact: fact.sequence):
        if "membership.started." in fact.type:
            found[fact.thing] = [fact.data["partner"], fact.data["network"], fact.data.get("valid_to")]
        elif "membership.ended." in fact.type:
            found[fact.thing] = [*found[fact.thing][:2], fact.data["valid_to"]]
        elif "membership.succeeded." in fact.type:
            found[fact.thing] = [fact.data["partner"], fact.data["network"], found[fact.thing][2]]
    return found


def succeeded(history: History) -> set[str]:
    """The agreements in which a partner stands where another stood."""
    return {fact.thing for fact in history.outbox if "agreement.party_succeeded." in fact.type}


def _told(history: History) -> dict[str, list[str]]:
    """Of each pair the kinds of its facts by the log, each number once, in the order in which they first came."""
    met: dict[str, dict[int, str]] = defaultdict(dict)
    for fact in history.log:
        if fact.type.startswith("org.interurbe.entitlement."):
            met[fact.subject].setdefault(fact.sequence, fact.type.split(".")[3])
    return {subject: list(kinds.values()) for subject, kinds in met.items()}


Ties = dict[str, tuple[str, str, bool]]


def _web(history: History) -> tuple[Ties, dict[tuple[str, str], bool], dict[str, list[str]]]:
    """The memberships that pass on something today, what their members decided, and whom each agreement in force binds."""
    ties: Ties = {}
    began: dict[str, dict[str, Any]] = {}
    chosen: dict[tuple[str, str], bool] = {}
    bound: dict[str, list[str]] = {}
    for fact in sorted(history.outbox, key=lambda fact: fact.sequence):
        kind = fact.type.removeprefix("org.interurbe.").rpartition(".")[0]
        if kind in ("membership.started", "membership.changed"):
            said = began[fact.thing] = began.get(fact.thing, {}) | dict(fact.data)
            ties |= {fact.thing: (said["partner"], said["network"], said.get("inherits_agreements") == "opt_in")}
            if not _passes_on(said):
                del ties[fact.thing]
        elif kind == "membership.ended" and fact.data["valid_to"] < _today():
            ties.pop(fact.thing, None)
        elif kind in ("membership.opted_in", "membership.opted_out"):
            chosen[fact.thing, fact.data["agreement"]] = kind.endswith("in")
        elif kind == "agreement.entered_into_force":
            bound[fact.thing] = [party["partner"] for party in fact.data["about"]["parties"] if party.get("role", "signatory") in BINDING]
        else:
            _succeed(kind, fact, ties, bound)
    return ties, chosen, bound


def _succeed(kind: str, fact: Fact, ties: Ties, bound: dict[str, list[str]]) -> None:
    """A merged partner's place is the survivor's, in agreements and in memberships that hold; and back again when that is undone."""
    if kind == "agreement.party_succeeded" and fact.thing in bound:
        bound[fact.thing] = [fact.data["successor"] if party == fact.data["partner"] else party for party in bound[fact.thing]]
    elif kind == "membership.succeeded" and fact.thing in ties:
        ties[fact.thing] = (fact.data["partner"], fact.data["network"], ties[fact.thing][2])


def _passes_on(said: dict[str, Any]) -> bool:
    holds = said["valid_from"] <= _today() <= (said.get("valid_to") or "9999")
    return holds and said["role"] != "observer" and said.get("inherits_agreements") != "no"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
