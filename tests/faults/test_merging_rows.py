"""Row E14: two records are merged while facts that name the old one are on their way; at rest owner and neighbours say the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from deploy.embedded.demo.system import System
from tests.faults.conftest import Tell
from tests.faults.trial import Trial
from tests.faults.workload import Workload

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow_fault]

EVIDENCE = [{"title": "Memorando firmado", "media_type": "application/pdf", "sha256": "a" * 64, "size": 1}]
READERS = ("initiatives", "notifications")
_numbers = count(1)


class Two:
    """Two records of one centre: the old one has an agreement with WeGO and belongs to Asocapitales, the survivor has nothing."""

    def __init__(self, trial: Trial) -> None:
        self.stories, self.partners = trial.stories, f"{trial.stories.addresses.partners}/v1"
        self.operator: System = trial.stories.operator
        self.old, self.survivor = (self._centre(name) for name in ("C4IR", "GGTC"))
        self.agreement = self._agreement("Primera")
        self._join(self.old)

    def move(self) -> None:
        """What names the old record just before it is one no more, the merge, and what comes after."""
        self._alias(self.old)
        self.later = self._agreement("Segunda")
        self._merge()
        self._alias(self.survivor)

    def merge_alone(self) -> None:
        """Nothing but the merge."""
        self._merge()

    def must_be_one(self, trial: Trial) -> None:
        """Owner and neighbours give the survivor what was the old one's, by either id, and the old id leads to it."""
        owned = agreements_of(self.operator, f"{self.partners}/partners/{self.survivor}/entitlements")
        initiatives = f"{self.stories.addresses.initiatives}/v1"
        assert self.agreement in owned
        for asked in (self.survivor, self.old):
            assert agreements_of(self.operator, f"{initiatives}/partners/{asked}/entitlements") == owned
        sent_on = self.stories.http.get(
            f"{self.partners}/partners/{self.old}", headers={"Authorization": f"Bearer {self.operator.token}"}, follow_redirects=False
        )
        assert (sent_on.status_code, sent_on.headers["location"].endswith(f"/v1/partners/{self.survivor}")) == (308, True)
        known = self.operator.get(f"{initiatives}/directory/agreements/{self.agreement}")
        party = {party["partner"] for party in known["parties"]}
        assert party == {self.survivor, self.stories.ids["wego"]}

    def _centre(self, name: str) -> str:
        profile = {"kind": "tech_centre", "country": "UA", "timezone": "Europe/Kyiv", "languages": ["uk"], "force": True}
        made = self.operator.post(f"{self.partners}/partners", profile | {"names": {"en": f"{name} Kyiv {uuid4().hex[:6]}"}})
        return str(made["id"])

    def _join(self, partner: str) -> None:
        url = f"{self.partners}/networks/{self.stories.ids['asocapitales']}/members"
        self.operator.post(url, {"partner": partner, "valid_from": "2020-01-01"})

    def _agreement(self, title: str) -> str:
        body = {
            "kind": "mou", "code": f"E14-{next(_numbers)}-{uuid4().hex[:6]}", "titles": {"es": title}, "visibility": "public",
            "parties": [{"partner": self.old}, {"partner": self.stories.ids["wego"]}], "signed_on": "2024-07-12", "evidence": EVIDENCE,
            "terms": {"lines": [{"line": "joint_projects", "text": {"es": title}}], "renewal": "none", "governing_languages": ["es"]},
            "texts": {"es": {"body": title, "status": "authentic"}},
        }  # fmt: skip
        return str(self.operator.post(f"{self.partners}/agreements/historic", body)["id"])

    def _alias(self, partner: str) -> None:
        version = self.operator.get(f"{self.partners}/partners/{partner}")["version"]
        self.operator.post(
            f"{self.partners}/partners/{partner}/aliases", {"text": f"Otro nombre {next(_numbers)}", "kind": "other"}, version=version
        )

    def _merge(self) -> None:
        version = self.operator.get(f"{self.partners}/partners/{self.old}")["version"]
        body = {"into": self.survivor, "reason": "Es el mismo centro."}
        self.operator.post(f"{self.partners}/partners/{self.old}/merge", body, version=version)


def agreements_of(system: System, url: str) -> set[str]:
    """The agreements that a list of entitlements is about."""
    return {item["agreement"] for item in system.get(url, limit="200")["items"]}


def frozen(trial: Trial) -> AbstractContextManager[None]:
    return trial.frozen(*READERS)


@contextmanager
def killed(trial: Trial) -> Any:
    for name in READERS:
        trial.kill(name)
    yield
    trial.revive()


@pytest.mark.parametrize(("away", "seed"), [(frozen, 1401), (killed, 1402)], ids=["frozen", "killed"])
def test_e14_a_merge_while_its_readers_are_away(
    trial: Trial, tell: Tell, away: Callable[[Trial], AbstractContextManager[None]], seed: int
) -> None:
    two = Two(trial)

    def fault(trial: Trial, work: Workload) -> None:
        with away(trial):
            two.move()
            work.reached(len(work.commands) + 4)

    tell(trial.run(fault, seed=seed, rounds=1, after=2), seed)
    two.must_be_one(trial)


def test_e14_the_owner_dies_in_the_middle_of_a_merge_that_is_asked_for_until_it_is_done(trial: Trial, tell: Tell) -> None:
    two = Two(trial)
    trial.arm("partners", "entitlements.midway")
    merging = threading.Thread(target=two.merge_alone)
    merging.start()
    trial.fallen("partners")
    trial.revive()
    merging.join()
    tell(trial.run(trial.step_by_step(), seed=1403, rounds=1), 1403)
    two.must_be_one(trial)


def test_e14_a_reader_dies_between_the_facts_of_a_merge(trial: Trial, tell: Tell) -> None:
    two = Two(trial)

    def fault(trial: Trial, work: Workload) -> None:
        two.move()
        trial.fallen("initiatives")
        trial.revive()

    trial.arm("initiatives", "consumer.before_commit:4")
    tell(trial.run(fault, seed=1404, rounds=1, after=0), 1404)
    two.must_be_one(trial)
