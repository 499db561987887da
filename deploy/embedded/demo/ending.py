"""What happened, gathered from the product itself and checked: partners, agreements, commitments, the workshop, mails, a trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.embedded.demo.facts import PARTNERS, PEOPLE, TWICE
from deploy.embedded.demo.stories import Stories
from deploy.embedded.demo.system import Addresses, until
from shared.telemetry.tracetree import load_trace, tree

LANGUAGE = {"es": "es"}
"""Mails are written in Spanish or English; whoever asked for another language gets English."""

COMMITMENTS = 7
ENTITLED = ("asocapitales", "wego", "bogota", "medellin", "seoul")
"""Whom the memorandum entitles: its parties, and the cities that belong to them."""


class Wrong(Exception):
    """The product did not do what the stories expect; says what differs."""


class Ending:
    """Checks and shows; `check` raises `Wrong` with every difference at once."""

    def __init__(self, stories: Stories, traces: Path) -> None:
        self.stories, self.traces = stories, traces
        self.differences: list[str] = []
        self.mails: list[Any] = []

    def check(self) -> None:
        """Wait until everybody has been told, then compare with what was expected."""
        expected = Counter(self._expected())
        try:
            until("every mail to arrive", lambda: not expected - self._arrived())
        finally:
            arrived = self._arrived()
        self._same("mails missing", dict(expected - arrived), {})
        self._same("mails nobody expected", dict(arrived - expected), {})
        self._check_states()
        if self.differences:
            raise Wrong("\n".join(self.differences))

    def _check_states(self) -> None:
        addresses, operator = self.stories.addresses, self.stories.operator
        partners = operator.get(f"{addresses.partners}/v1/partners", limit="200")["items"]
        merged = [partner["merged_into"] for partner in partners if partner["state"] == "merged"]
        self._same("partners", len(partners) - len(merged), len(PARTNERS))
        self._same("merged", merged, [self.stories.ids[TWICE[1]]])
        for agreement in self._agreements():
            self._same(agreement["code"], agreement["state"], "in_force")
        self._same("agreements", len(self._agreements()), 4)
        until("the commitments to be followed", lambda: len(self._commitments()) >= COMMITMENTS)
        self._same("commitments", len(self._commitments()), COMMITMENTS)
        self._same("the workshop", self.stories.workshop["state"], "scheduled")
        self._same(
            "who may use the memorandum", {item["partner"] for item in self._entitled()}, {self.stories.ids[key] for key in ENTITLED}
        )

    def _same(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.differences.append(f"{what}: expected {expected}, found {found}")

    def _agreements(self) -> list[Any]:
        return list(self.stories.operator.get(f"{self.stories.addresses.partners}/v1/agreements", limit="200")["items"])

    def _commitments(self) -> list[Any]:
        return list(self.stories.operator.get(f"{self.stories.addresses.initiatives}/v1/commitments", limit="200")["items"])

    def _entitled(self) -> list[Any]:
        """Who may use the memorandum, and why, in Spanish."""
        url = f"{self.stories.addresses.partners}/v1/agreements/{self.stories.agreements['memorandum']}/beneficiaries"
        return list(self.stories.operator.get(url, lang="es", limit="200")["items"])

    def _expected(self) -> Iterator[tuple[str, str]]:
        """(mailbox, title in the subject) of each mail: two for each agreement of one's own, one for the workshop, one to confirm."""
        workshop, who = self.stories.workshop, {key: (email, language) for key, email, language, _ in PEOPLE}
        guests = [guest["partner"] for guest in workshop["hosts"] + workshop["participants"]]
        for key, (email, language) in who.items():
            served = LANGUAGE.get(language, "en")
            yield email, ""
            for agreement in self._agreements():
                if self.stories.ids[key] in [party["partner"] for party in agreement["parties"]]:
                    yield from [(email, agreement["titles"][served])] * 2
            if self.stories.ids[key] in guests:
                yield email, workshop["titles"][served]

    def _arrived(self) -> Counter[tuple[str, str]]:
        """The same of what lies in the mailbox; a mail that was sent again after a doubt has the same Message-ID and counts once."""
        found = self.stories.http.get(f"{self.stories.addresses.mail}/mails.json").json()
        self.mails = list({mail["message_id"]: mail for mail in found}.values())
        titles = [title for agreement in self._agreements() for title in agreement["titles"].values()]
        titles += list(self.stories.workshop["titles"].values())
        return Counter((mail["to"][0], next((title for title in titles if title in mail["subject"]), "")) for mail in self.mails)

    def show(self, console: Console) -> None:
        """Print what happened."""
        console.print(self._states())
        console.print(self._reasons())
        console.print(self._mail_table())
        trace = self._trace()
        console.print("\nOne signature, from the request to the mail:\n" if trace else "\nThe trace was not found.")
        console.print(trace, markup=False, highlight=False, soft_wrap=True)

    def _states(self) -> Table:
        table = Table("agreement", "state", "signed", "on record since", "parties", title="Agreements", title_justify="left")
        for item in sorted(self._agreements(), key=lambda one: str(one["signed_on"])):
            parties = ", ".join(party.get("acronym") or next(iter(party["names"].values())) for party in item["parties"])
            table.add_row(item["titles"]["es"], item["state"], item["signed_on"], item["created_at"][:10], parties)
        table.caption = f"{len(self._commitments())} commitments are followed; workshop on {self.stories.workshop['local_starts_at'][:16]}"
        return table

    def _reasons(self) -> Table:
        table = Table("partner", "why", title="Who may use the memorandum, line a", title_justify="left")
        for item in sorted(self._entitled(), key=lambda one: (len(one["path"]), one["name"])):
            table.add_row(item["name"], "; ".join(next(line["because"] for line in item["lines"] if line["line"] == "knowledge_exchange")))
        return table

    def _mail_table(self) -> Table:
        table = Table("to", "language", "subject", title=f"{len(self.mails)} mails", title_justify="left")
        for mail in sorted(self.mails, key=lambda one: str(one["received_at"])):
            table.add_row(mail["to"][0], mail["language"], mail["subject"])
        return table

    def _trace(self) -> str:
        """The tree of the trace that ends in the mail to Kyiv about the signed alliance; spans reach their files within a second."""
        title = next(item["titles"]["en"] for item in self._agreements() if item["id"] == self.stories.agreements["ggtc-kyiv"])
        mail = next(mail for mail in self.mails if title in mail["subject"] and "kyiv" in mail["to"][0])
        trace_id = self._trace_id(mail["id"])

        def whole() -> str | None:
            drawn = tree(load_trace(self.traces, trace_id))
            return drawn if "send_email" in drawn and "process" in drawn else None

        return until(f"the spans of trace {trace_id}", whole)

    def _trace_id(self, mail_id: str) -> str:
        opened = self.stories.http.get(f"{self.stories.addresses.mail}/mails/{mail_id}.json").json()
        return str({name.lower(): value for name, value in opened["headers"]}["x-trace-id"])


def addresses_to_open(addresses: Addresses) -> str:
    """Where to look next."""
    return (
        f"Mails                {addresses.mail}\n"
        f"API reference        {addresses.partners}/docs  {addresses.initiatives}/docs  {addresses.notifications}/docs\n"
        f"Is it well?          {addresses.partners}/readyz  {addresses.initiatives}/readyz  {addresses.notifications}/readyz\n"
        f"Metrics              {addresses.partners}/metrics"
    )
