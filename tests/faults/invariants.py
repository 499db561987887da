"""The twelve invariants: each looks at a history, thing by thing, and says what is wrong.

What a run could not see yields nothing, and is reported as not looked at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tests.faults import entitling
from tests.faults.history import BRIEF, OK, REFUSED, Fact, Finding, History, Ordeal, Report, Said

TOLD_OF = (
    "agreement.signed.", "agreement.entered_into_force.", "exchange.scheduled.", "exchange.rescheduled.", "exchange.cancelled.",
    "membership.approved.", "membership.lapse_warned.", "membership.lapsed.", "membership.changed.", "partner.duplicate_suspected.",
    "client.expiry_warned.",
)  # fmt: skip


ROOM = {"open files": 40, "megabytes": 64, "connections": 30}
"""How much more of each may be held after a fault than before: pools fill, code is loaded."""


def check(history: History) -> Report:
    """Compare everything with everything."""
    return Report({name: _finding(look(history)) for name, look in INVARIANTS.items()})


Looks = Iterator[str | None]
"""One item for each thing looked at: None when it is as it should be, else what is wrong."""


def _finding(looks: Looks) -> Finding:
    found = Finding()
    for wrong in looks:
        found.looked_at += 1
        if wrong is not None:
            found.wrong.append(wrong)
    return found


def durable(history: History) -> Looks:
    """I1: what was acknowledged is in the owner's state once; what was refused is not; what is unknown is there once at most."""
    for command in history.commands:
        times = history.owned.get(command.thing, []).count(command.mark)
        allowed = {OK: (1,), REFUSED: (0,)}.get(command.outcome, (0, 1))
        yield None if times in allowed else f"{command.mark} was answered {command.outcome} and is {times} times in {command.thing}"


def no_ghost(history: History) -> Looks:
    """I2: everything in the log was committed, and every message is about something that was."""
    committed = {(fact.id, fact.subject, fact.sequence) for fact in history.outbox}
    ids = {fact.id for fact in history.outbox}
    for fact in history.log:
        yield (
            None
            if (fact.id, fact.subject, fact.sequence) in committed
            else f"{fact.subject} {fact.sequence} is in the log and was never committed"
        )
    for fact in history.outbox:
        owned = history.counted.get(fact.subject, 0)
        yield None if fact.sequence <= owned else f"{fact.subject} {fact.sequence} is a fact, but its owner counts {owned}"
    for told in history.told:
        yield None if told.event in ids else f"the message {told.id} is about the unknown fact {told.event}"


def complete(history: History) -> Looks:
    """I3: every committed fact is in the log, every change has its fact, every consumer of its topic has passed it."""
    there = {fact.id for fact in history.log}
    told = Counter(fact.subject for fact in history.outbox)
    for fact in history.outbox:
        yield None if fact.id in there else f"{fact.subject} {fact.sequence} was committed and is not in the log"
        for consumer, topics in history.listens.items():
            if fact.topic in topics:
                reached = history.marks.get(consumer, {}).get(fact.subject, 0)
                yield None if reached >= fact.sequence else f"{consumer} has passed {reached} of {fact.subject}, not {fact.sequence}"
    for subject, count in history.counted.items():
        yield None if told[subject] == count else f"{subject} counts {count} facts and has {told[subject]} in the outbox"


def ordered(history: History) -> Looks:
    """I4: the first occurrences of each subject's facts in the log are 1, 2, 3 … without gap; who is entitled is told in turns.

    And the owner's lists are in the order of the facts that tell of them.
    """
    met: dict[str, int] = defaultdict(int)
    for fact in history.log:
        reached = met[fact.subject]
        yield None if fact.sequence <= reached + 1 else f"{fact.subject}: {fact.sequence} came after {reached}"
        met[fact.subject] = max(reached, fact.sequence)
    yield from entitling.turns(history)
    yield from _lists(history)


def _lists(history: History) -> Looks:
    told: dict[str, list[str]] = defaultdict(list)
    for fact in sorted(history.outbox, key=lambda fact: fact.sequence):
        if fact.mark is not None:
            told[fact.subject].append(fact.mark)
    for thing in sorted({command.thing for command in history.commands} & told.keys()):
        kept = [mark for mark in history.owned.get(thing, []) if mark in told[thing]]
        yield None if kept == told[thing] else f"{thing} lists {kept}, and its facts say {told[thing]}"


def once(history: History) -> Looks:
    """I5: every view is what the owners' history makes of it: lists show repeats, times show what came last."""
    for view, fold in FOLDS.items():
        if view not in history.views:
            continue
        expected, found = fold(history), history.views[view]
        for thing in sorted({*expected, *found}):
            same = expected.get(thing) == found.get(thing)
            yield None if same else f"{view} of {thing}: expected {expected.get(thing)}, found {found.get(thing)}"


def delivered(history: History) -> Looks:
    """I6: each message was taken at least once, at most once more than there were doubts, always under its own id."""
    taken = Counter(mail.message_id.strip("<>").partition("@")[0] for mail in history.mails)
    messages = {told.id: told for told in history.told}
    for told in history.told:
        if told.status == "skipped":
            continue
        fine = told.status == "submitted" and 1 <= taken[told.id] <= 1 + told.ambiguous
        yield None if fine else f"the message {told.id} is {told.status} and was taken {taken[told.id]} times with {told.ambiguous} doubts"
    for mail in history.mails:
        known = messages.get(mail.message_id.strip("<>").partition("@")[0])
        yield None if known else f"the mail {mail.message_id} to {mail.to} is no message of ours"
        if known:
            yield None if mail.to == known.to else f"the mail {mail.message_id} was for {known.to} and went to {mail.to}"


def conserved(history: History) -> Looks:
    """I7: for each consumer, what was published is what was applied and what is parked."""
    for consumer, topics in history.listens.items():
        published = len({(fact.subject, fact.sequence) for fact in history.log if fact.topic in topics})
        applied, parked = sum(history.marks.get(consumer, {}).values()), history.parked.get(consumer, 0)
        same = published == applied + parked
        yield None if same else f"{consumer}: {published} published, {applied} applied, {parked} parked"


def at_rest(history: History) -> Looks:
    """I8: everything came to rest within the time given."""
    if history.quiet is None:
        return
    for name in ("unpublished", "lag", "due"):
        left = getattr(history.quiet, name)
        yield None if left == 0 else f"{name}: {left} left"
    yield None if not history.quiet.not_ready else f"not ready: {history.quiet.not_ready}"


def traced(history: History) -> Looks:
    """I9: the trace of every effect is that of its command."""
    commands = {command.mark: command.trace for command in history.commands if command.trace}
    facts = {fact.id: fact for fact in history.outbox}
    for fact in history.outbox:
        if fact.mark in commands:
            yield None if fact.trace == commands[fact.mark] else f"{fact.mark}: its fact has the trace {fact.trace}"
        if fact.cause in facts:
            yield None if fact.trace == facts[fact.cause].trace else f"{fact.subject} {fact.sequence} has not the trace of its cause"
    for told in history.told:
        if told.event in facts:
            yield None if told.trace == facts[told.event].trace else f"the message {told.id} has not the trace of its fact"
    traces = {told.id: told.trace for told in history.told}
    for mail in history.mails:
        known = mail.message_id.strip("<>").partition("@")[0]
        if known in traces:
            yield None if mail.trace == traces[known] else f"the mail {mail.message_id} has not the trace of its message"


def bounded(history: History) -> Looks:
    """I10: nothing is held without bounds: files and sockets, memory of who lived through the fault, connections at the database."""
    for name, (before, after) in (history.handles or {}).items():
        yield None if after <= before + ROOM[name.rpartition(": ")[2]] else f"{name}: {before} before, {after} after"


def honest(history: History) -> Looks:
    """I11: while something was wrong every answer said so and why, who lived said that too, and in the end all is well again."""
    for ordeal in history.ordeals:
        for said in ordeal.said:
            lie = _lie(ordeal, said)
            yield None if lie is None else f"{ordeal.service}, while {ordeal.what}: {lie}"
    for service, (before, after) in history.metrics.items():
        yield None if after > before else f"the metrics of {service} stood still at {after:g}"
    if history.ordeals and history.quiet is not None:
        yield None if not history.quiet.not_ready else f"still not ready: {history.quiet.not_ready}"


def _lie(ordeal: Ordeal, said: Said) -> str | None:
    """What is not true in an answer, if anything."""
    if ordeal.check == BRIEF:
        return _brief_lie(said)
    if said.ready:
        return "said it was ready"
    if said.alive is False:
        return "said it was not alive"
    if ordeal.check is None:
        return None
    if said.ready is None:
        return "said nothing"
    return None if said.reasons.get(ordeal.check) else f"gave other reasons than {ordeal.check}: {dict(said.reasons)}"


def _brief_lie(said: Said) -> str | None:
    if said.ready is None or said.alive is False:
        return "said nothing" if said.ready is None else "said it was not alive"
    return None if said.ready or said.reasons else "said it was not ready, and not why"


def no_leak(history: History) -> Looks:
    """I12: no secret and no mailbox is written where it does not belong; an empty text stands for a file that was searched."""
    for leak in history.leaks or ():
        yield leak or None


def _partners(history: History) -> dict[str, Any]:
    """When each was described last; what else is told of a partner does not change what it is."""
    about = [fact for fact in history.outbox if fact.subject.startswith("partner/") and "profile" in fact.data]
    return {fact.thing: fact.time for fact in sorted(about, key=lambda fact: fact.sequence)}


def _agreements(history: History) -> dict[str, Any]:
    """When each was told of last; of one in which a party succeeded another nothing, for who stands in it now is asked by the row."""
    signed = [fact for fact in history.outbox if any(kind in fact.type for kind in TOLD_OF[:2])]
    times = {fact.thing: fact.time for fact in sorted(signed, key=lambda fact: fact.sequence)}
    return times | dict.fromkeys(entitling.succeeded(history) & times.keys())


def _commitments(history: History) -> dict[str, Any]:
    signed = [fact for fact in history.outbox if "agreement.signed." in fact.type]
    promised = {fact.thing: sorted(terms["id"] for line in fact.data["lines"] for terms in line.get("commitments", ())) for fact in signed}
    return {agreement: commitments for agreement, commitments in promised.items() if commitments}


def _messages(history: History) -> dict[str, Any]:
    expected = {}
    for fact in history.outbox:
        if any(kind in fact.type for kind in TOLD_OF):
            concerned = _concerned(fact)
            expected[fact.id] = sorted(
                box for box, partner in history.readers.items() if partner in concerned and _asked(history, box, fact)
            )
    return {event: readers for event, readers in expected.items() if readers}


def _concerned(fact: Fact) -> set[str]:
    """The partners a fact is about."""
    about = fact.data.get("about", {})
    named = {one["partner"] for role in ("parties", "hosts", "participants") for one in about.get(role, ())}
    suspects = {one["partner"] for one in fact.data.get("suspects", ())}
    return named | suspects | {fact.data[name] for name in ("partner", "network") if name in fact.data}


def _asked(history: History, mailbox: str, fact: Fact) -> bool:
    """Whether somebody wanted to be told when it happened."""
    since = history.since.get(mailbox)
    return since is None or since <= datetime.fromisoformat(fact.time)


FOLDS: dict[str, Callable[[History], dict[str, Any]]] = {
    "initiatives.partners": _partners,
    "notifications.partners": _partners,
    "initiatives.agreements": _agreements,
    "notifications.agreements": _agreements,
    "initiatives.commitments": _commitments,
    "notifications.messages": _messages,
    "partners.entitlements": entitling.last_told,
    "partners.entitled": entitling.entitled,
    "notifications.memberships": entitling.memberships,
}
"""What the history of the owners makes of each view."""

INVARIANTS: dict[str, Callable[[History], Looks]] = {
    "I1": durable, "I2": no_ghost, "I3": complete, "I4": ordered, "I5": once, "I6": delivered,
    "I7": conserved, "I8": at_rest, "I9": traced, "I10": bounded, "I11": honest, "I12": no_leak,
}  # fmt: skip
