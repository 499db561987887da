"""The stories, step by step. Every step looks first whether it was done: played again, they change nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from deploy.embedded.demo.agreements import alliances, memorandum
from deploy.embedded.demo.facts import GOVTECH_MEMBERS, MEMBERS, PARTNER_AGAIN, PARTNERS, PEOPLE, SCHEME, TWICE
from deploy.embedded.demo.system import Addresses, Refused, System, until

Say = Callable[[str], None]
_CONFIRM = re.compile(r"https?://\S+/confirm/[\w~.-]+")


class Stories:
    """Plays both stories. ``systems`` holds the client of each partner once it has one, ``ids`` what the registry calls it."""

    def __init__(self, addresses: Addresses, bootstrap_secret: str, secrets: Path, say: Say) -> None:
        self.addresses, self.say = addresses, say
        self.http = httpx.Client(timeout=30.0)
        self.operator = System("operator", "bootstrap", bootstrap_secret, addresses, self.http)
        self.systems: dict[str, System] = {}
        self.ids: dict[str, str] = {}
        self.agreements: dict[str, str] = {}
        self.workshop: dict[str, Any] = {}
        self._secrets = secrets

    def play(self) -> None:
        """Everything, in order; whatever is there already stays as it is."""
        self.everybody_is_registered()
        self.two_records_become_one()
        self.members_join(MEMBERS)
        self.people_subscribe()
        self.the_memorandum_is_recorded()
        self.a_workshop_is_scheduled()
        self.the_alliances_are_signed()
        self.members_join(GOVTECH_MEMBERS)

    def everybody_is_registered(self) -> None:
        """The operator registers every partner and gives its system a client of its own."""
        known: dict[str, list[str]] = json.loads(self._secrets.read_text()) if self._secrets.exists() else {}
        for key, profile in PARTNERS.items():
            hosted = {"hosted_by": self.ids["ruta-n"]} if key == "c4ir-medellin" else {}
            partner = self.operator.put(f"{self.addresses.partners}/v1/partners/by-external-id/{SCHEME}/{key}", {**profile, **hosted})
            self.ids[key] = partner["id"]
            if key not in known:
                known[key] = self._new_client(key)
                _keep(self._secrets, known)
            self.systems[key] = System(key, known[key][0], known[key][1], self.addresses, self.http)
        self.say(f"{len(self.ids)} partners are registered, each with a client for its own system")

    def two_records_become_one(self) -> None:
        """The centre in Kyiv is registered once more by its other name, against advice, and merged; the old id leads to it from then on."""
        key, survivor = TWICE[0], self.ids[TWICE[1]]
        base = f"{self.addresses.partners}/v1/partners"
        known = self.operator.get(base, external_id=f"{SCHEME}:{key}")["items"]
        warned = "" if known else self._warned(base)
        old = known[0] if known else self.operator.put(f"{base}/by-external-id/{SCHEME}/{key}", {**PARTNER_AGAIN, "force": True})
        if old["id"] != survivor:
            wanted = {"into": survivor, "reason": "C4IR de Kiev y Global Government Technology Centre (GGTC) de Kiev son el mismo centro."}
            self.operator.post(f"{base}/{old['id']}/merge", wanted, version=old["version"])
        merged = next(item for item in self.operator.get(base, country="UA", limit="200")["items"] if item["merged_into"] == survivor)
        self.operator.get(f"{base}/{merged['id']}")
        leads_to = self.operator.get(f"{self.addresses.partners}{self.operator.headers_seen['location']}")
        self.say(f"C4IR de Kiev is one more record of a known centre: {warned}merged; its id leads (308) to {leads_to['acronym']}")

    def _warned(self, url: str) -> str:
        """What the registry says to a second record of one partner."""
        try:
            self.operator.post(url, PARTNER_AGAIN)
        except Refused as refused:
            if "suspected-duplicate" not in str(refused):
                raise
            return "suspected (409), registered by force, "
        return "registered, "

    def _new_client(self, key: str) -> list[str]:
        wanted = {"partner": self.ids[key], "name": f"Sistema de {key}", "scopes": ["read", "write", "sign"]}
        made = self.operator.post(f"{self.addresses.partners}/v1/clients", wanted)
        return [made["id"], made["secret"]]

    def members_join(self, members: list[tuple[str, str, str]]) -> None:
        """Networks take their members in."""
        for network, member, since in members:
            url = f"{self.addresses.partners}/v1/networks/{self.ids[network]}/members"
            there = [item["partner"] for item in self.operator.get(url, limit="200")["items"]]
            if self.ids[member] not in there:
                self.systems[network].post(url, {"partner": self.ids[member], "role": "member", "valid_from": since})
        self.say("members: " + ", ".join(f"{member} of {network}" for network, member, _ in members))

    def people_subscribe(self) -> None:
        """Each institution's system brings a mailbox; its owner opens the mail and presses the button."""
        for key, email, language, zone in PEOPLE:
            system, base = self.systems[key], f"{self.addresses.notifications}/v1/subscribers"
            subscriber = self._posted_when_known(system, base, {"email": email, "language": language, "timezone": zone})
            own = f"{base}/{subscriber['id']}"
            if not system.get(f"{own}/subscriptions")["items"]:
                self._posted_when_known(system, f"{own}/subscriptions", {"filter": {"partners": [self.ids[key]]}})
            if system.get(own)["state"] == "pending":
                link = until(f"the confirmation mail to {email}", partial(self._confirmation, email))
                self.http.post(link).raise_for_status()
        self.say(f"{len(PEOPLE)} mailboxes asked to be told, and confirmed by the link in their mail")

    def _posted_when_known(self, system: System, url: str, body: dict[str, Any], until_then: str = "unknown-partner") -> Any:
        """A neighbour hears a moment later of who was registered, or is entitled; until then it says so: send the same again."""

        def posted() -> Any | None:
            try:
                return system.post(url, body)
            except Refused as refused:
                if until_then in str(refused):
                    return None
                raise

        return until(f"{url} to know {system.name}", posted)

    def _confirmation(self, email: str) -> str | None:
        mails = self.http.get(f"{self.addresses.mail}/mails.json").json()
        for mail in mails:
            if email in str(mail["to"]):
                found = _CONFIRM.search(self.http.get(f"{self.addresses.mail}/mails/{mail['id']}.json").json()["text"])
                if found:
                    return found.group()
        return None

    def the_memorandum_is_recorded(self) -> None:
        """Story A: Asocapitales puts the memorandum of 12 July 2024 on record, as signed then."""
        system, wanted = self.systems["asocapitales"], memorandum(self.ids)
        agreement = self._agreement(system, wanted["code"]) or system.post(f"{self.addresses.partners}/v1/agreements/historic", wanted)
        self.agreements["memorandum"] = agreement["id"]
        self.say(f"A  {agreement['titles']['es']}: signed {agreement['signed_on']}, {agreement['state']}")

    def a_workshop_is_scheduled(self) -> None:
        """Story A: line a schedules a workshop that members of both networks may join, because their networks signed."""
        system, agreement = self.systems["asocapitales"], self.agreements["memorandum"]
        until(
            "initiatives to know the memorandum", lambda: system.find(f"{self.addresses.initiatives}/v1/directory/agreements/{agreement}")
        )
        url = f"{self.addresses.initiatives}/v1/exchanges"
        known = system.get(url, agreement=agreement)["items"]
        self.workshop = known[0] if known else self._posted_when_known(system, url, self._workshop(agreement), "not-entitled")
        reasons = "; ".join(because["words"]["es"] for because in self.workshop["because"])
        self.say(f"A  {self.workshop['titles']['es']}, {self.workshop['local_starts_at']} {self.workshop['timezone']}. {reasons}")

    def _workshop(self, agreement: str) -> dict[str, Any]:
        day = datetime.now(UTC).date() + timedelta(days=90)
        return {
            "kind": "workshop",
            "modality": "hybrid",
            "place": "Bogotá",
            "timezone": "America/Bogota",
            "languages": ["es", "en"],
            "titles": {"es": "Ciudades inteligentes y sostenibles", "en": "Smart and sustainable cities"},
            "starts_at": f"{day}T09:00",
            "ends_at": f"{day}T12:00",
            "agreement": agreement,
            "line": "knowledge_exchange",
            "hosts": [self.ids["asocapitales"], self.ids["wego"]],
            "participants": [self.ids[key] for key in ("bogota", "medellin", "seoul")],
        }

    def the_alliances_are_signed(self) -> None:
        """Story B: C4IR Medellín and each of the three centres agree on the terms and sign them, each with its own client."""
        for other, wanted in alliances(self.ids):
            agreement = self._agreement(self.systems["c4ir-medellin"], wanted["code"])
            agreement = agreement or self.systems["c4ir-medellin"].post(f"{self.addresses.partners}/v1/agreements", wanted)
            self.agreements[other] = agreement["id"]
            self._sign(agreement["id"], other)
            signed = self.systems[other].get(self._url(agreement["id"]))
            terms_hash = signed["current_revision"]["terms_hash"]
            self.say(f"B  {signed['titles']['es']}: signed {signed['signed_on']}, {signed['state']}, hash {terms_hash[:12]}…")

    def _sign(self, agreement: str, other: str) -> None:
        """From a draft to the last signature, going on from wherever it stands."""
        medellin, theirs = self.systems["c4ir-medellin"], self.systems[other]
        self._when("draft", medellin, agreement, "propose")
        for system in (medellin, theirs):
            if self._party(system, agreement)["consent"] in ("unbound", "invited", "lapsed"):
                self._when("negotiating", system, agreement, "approve", with_hash=True)
        self._when("agreed", medellin, agreement, "request-signature")
        for system in (medellin, theirs):
            if self._party(system, agreement)["consent"] == "approved":
                self._when("signing", system, agreement, "sign", with_hash=True)

    def _when(self, state: str, system: System, agreement: str, verb: str, *, with_hash: bool = False) -> None:
        now = system.get(self._url(agreement))
        if now["state"] == state:
            body = {"terms_hash": now["current_revision"]["terms_hash"]} if with_hash else {}
            system.post(f"{self._url(agreement)}/{verb}", body, version=now["version"])

    def _party(self, system: System, agreement: str) -> Any:
        parties = system.get(self._url(agreement))["parties"]
        return next(party for party in parties if party["partner"] == self.ids[system.name])

    def _agreement(self, system: System, code: str) -> Any | None:
        found = system.get(f"{self.addresses.partners}/v1/agreements", party=self.ids[system.name], limit="200")["items"]
        return next((item for item in found if item["code"] == code), None)

    def _url(self, agreement: str) -> str:
        return f"{self.addresses.partners}/v1/agreements/{agreement}"


def _keep(path: Path, known: dict[str, list[str]]) -> None:
    """Secrets are shown once, so they are kept at once, readable by their owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
    draft.replace(path)
