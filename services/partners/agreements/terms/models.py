"""What an agreement says: lines of cooperation, commitments, dates, texts and attachments, and the rules they keep.

The shapes are JSON documents as they are stored and hashed: members that say nothing are left out.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NotRequired, TypedDict

from shared.db import new_id
from shared.refusals import Invalid

LINES: Final = ("knowledge_exchange", "joint_projects", "advocacy_networking", "partnership_facilitation")
"""The four lines of cooperation, in their order a to d."""

LARGEST_TERMS: Final = 100_000
"""Bytes of JSON that terms may have: every fact about them travels in one message."""


class Commitment(TypedDict):
    """One promise: who gives what to whom; ``quantity`` may be left ``to_be_defined`` until signature. Its ``id`` is given by `settled`."""

    id: NotRequired[str]
    giver: str
    receiver: str
    statement: dict[str, str]
    quantity: NotRequired[float]
    unit: NotRequired[str]
    due: NotRequired[str]
    to_be_defined: NotRequired[bool]


class Line(TypedDict):
    """One line of cooperation: its topics, its words and its commitments."""

    line: str
    topics: list[str]
    text: dict[str, str]
    commitments: list[Commitment]


class Terms(TypedDict):
    """What is promised, from when, until when, and how it ends; dates as YYYY-MM-DD."""

    lines: list[Line]
    effective_rule: str
    effective_on: NotRequired[str]
    expires_on: NotRequired[str]
    renewal: str
    notice_period_days: int
    governing_languages: list[str]


class Wording(TypedDict):
    """The full text in one language: authentic (it binds), a translation (it helps), or still missing."""

    body: NotRequired[str]
    status: str


class Attachment(TypedDict):
    """A file that belongs to the agreement, known by its digest; the file itself stays with the parties."""

    title: str
    media_type: str
    sha256: str
    size: int


class Blocker(TypedDict):
    """Something that must be settled before anybody can sign; ``path`` says where in the revision."""

    path: str
    reason: str
    fix: str


class UnknownCommitment(Invalid):
    """A commitment's id is given by the service; in a revision it names the same promise of the one before. Leave it out otherwise."""

    code = "unknown-commitment"
    title = "The commitment's id is not one of this agreement."


def settled(terms: Terms, parties: Collection[str], before: Terms | None) -> Terms:
    """The terms in their stored order, every commitment with an id; refuses what breaks a rule, naming its field.

    Lines stand in the order of `LINES` and topics in alphabetical order, whatever order they came in. ``parties`` are partner
    ids. A commitment without an id that says the same to the same party as one in ``before`` keeps the id of that one.
    """
    known = _identities(before) if before else {}
    _check_dates(terms)
    _once([line["line"] for line in terms["lines"]], "/terms/lines", "line")
    _once(terms["governing_languages"], "/terms/governing_languages", "language")
    _once(_given_ids(terms), "/terms/lines", "commitment id")
    for place, line in enumerate(terms["lines"]):
        _once(line["topics"], f"/terms/lines/{place}/topics", "topic")
        for number, commitment in enumerate(line["commitments"]):
            _check_commitment(commitment, f"/terms/lines/{place}/commitments/{number}", parties, known.values())
    lines = sorted(terms["lines"], key=lambda line: LINES.index(line["line"]))
    for identity in _given_ids(terms):
        known = {promise: other for promise, other in known.items() if other != identity}
    ordered: Terms = {**terms, "lines": [_ordered(line, known) for line in lines]}
    if len(json.dumps(ordered, ensure_ascii=False).encode()) > LARGEST_TERMS:
        raise Invalid("The terms are too long.", field="/terms", fix=f"At most {LARGEST_TERMS} bytes; long wording belongs in 'texts'.")
    return ordered


def blockers(terms: Terms, texts: dict[str, Wording]) -> list[Blocker]:
    """What keeps these terms from being signed: quantities to be defined, governing languages without their text."""
    found: list[Blocker] = [
        {
            "path": f"terms.lines[{line['line']}].commitments[{commitment['id']}].quantity",
            "reason": "to_be_defined",
            "fix": "Propose a revision that states the quantity, or that promises none.",
        }
        for line in terms["lines"]
        for commitment in line["commitments"]
        if commitment.get("to_be_defined")
    ]
    return found + [
        {"path": f"texts.{language}", "reason": "text_missing", "fix": "Propose a revision that holds the text in this governing language."}
        for language in terms["governing_languages"]
        if texts.get(language, {"status": "absent"})["status"] == "missing"
    ]


def authentic(texts: dict[str, Wording]) -> dict[str, str]:
    """The bodies that bind, by language."""
    return {language: wording["body"] for language, wording in texts.items() if wording["status"] == "authentic"}


def check_texts(texts: dict[str, Wording]) -> None:
    """Refuse a text without words, or words for a text that is said to be missing."""
    for language, wording in texts.items():
        missing, empty = wording["status"] == "missing", "body" not in wording
        if missing != empty:
            raise Invalid(
                f"The text in '{language}' is {wording['status']} and {'has no body' if empty else 'has a body'}.",
                field=f"/texts/{language}/body",
                fix="Leave the body out of a missing text." if missing else "Send the body, or the status 'missing'.",
            )


def check_attachments(attachments: Sequence[Attachment], field: str = "/attachments") -> None:
    """Refuse the same file twice."""
    _once([attachment["sha256"] for attachment in attachments], field, "sha256")


def effective_on(terms: Terms, signed_on: date) -> date:
    """The day from which the terms bind: the fixed one, else the day of the last signature."""
    fixed = terms.get("effective_on")
    return date.fromisoformat(fixed) if fixed else signed_on


def expires_on(terms: Terms) -> date | None:
    """The last day on which the terms bind; None when they have no end."""
    last = terms.get("expires_on")
    return date.fromisoformat(last) if last else None


def succeeded(terms: Terms, successors: Mapping[str, str]) -> Terms:
    """The terms with other parties in the place of those that they name, to be compared with terms that name the others."""
    lines: list[Line] = [{**line, "commitments": [_passed(one, successors) for one in line["commitments"]]} for line in terms["lines"]]
    return {**terms, "lines": lines}


def _passed(commitment: Commitment, successors: Mapping[str, str]) -> Commitment:
    giver, receiver = (successors.get(side, side) for side in (commitment["giver"], commitment["receiver"]))
    return {**commitment, "giver": giver, "receiver": receiver}


def _given_ids(terms: Terms) -> list[str]:
    return [commitment["id"] for line in terms["lines"] for commitment in line["commitments"] if "id" in commitment]


def _ordered(line: Line, known: dict[str, str]) -> Line:
    commitments: list[Commitment] = [
        {"id": known.pop(_promise(line, commitment), "") or new_id(), **commitment} for commitment in line["commitments"]
    ]
    return {**line, "topics": sorted(line["topics"]), "commitments": commitments}


def _identities(before: Terms) -> dict[str, str]:
    return {_promise(line, commitment): commitment["id"] for line in before["lines"] for commitment in line["commitments"]}


def _promise(line: Line, commitment: Commitment) -> str:
    """What makes a promise the same one in another revision, whatever its quantity and date."""
    return json.dumps([line["line"], commitment["giver"], commitment["receiver"], commitment["statement"]], sort_keys=True)


def _once(values: Iterable[str], field: str, what: str) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise Invalid(f"The {what} '{value}' stands there {times} times.", field=field, fix=f"Name each {what} once.")


def _check_dates(terms: Terms) -> None:
    fixed, last = terms.get("effective_on"), terms.get("expires_on")
    if (terms["effective_rule"] == "fixed_date") != (fixed is not None):
        raise Invalid(
            "A fixed effective date and the rule 'fixed_date' belong together.",
            field="/terms/effective_on",
            fix="Send effective_on with effective_rule 'fixed_date', and leave it out with 'on_signature'.",
        )
    if fixed and last and last <= fixed:
        raise Invalid(f"It would end on {last} and begin on {fixed}.", field="/terms/expires_on", fix="Send a later day, or leave it out.")


def _check_commitment(commitment: Commitment, field: str, parties: Collection[str], known: Collection[str]) -> None:
    for side, partner in (("giver", commitment["giver"]), ("receiver", commitment["receiver"])):
        if partner not in parties:
            raise Invalid(f"The {side} is not a party to this agreement.", field=f"{field}/{side}", fix="Name one of the parties.")
    if commitment["giver"] == commitment["receiver"]:
        raise Invalid("A party cannot promise something to itself.", field=f"{field}/receiver", fix="Name another party as the receiver.")
    if "id" in commitment and commitment["id"] not in known:
        fix = "Leave the id out: a new promise is given one."
        raise UnknownCommitment("No commitment of this agreement has this id.", field=f"{field}/id", fix=fix)
    if commitment.get("to_be_defined") and "quantity" in commitment:
        raise Invalid("The quantity is given and to be defined at once.", field=f"{field}/quantity", fix="Leave one of the two out.")
    if "unit" in commitment and "quantity" not in commitment and not commitment.get("to_be_defined"):
        raise Invalid("A unit needs a quantity.", field=f"{field}/unit", fix="Send the quantity, or to_be_defined, or leave the unit out.")
