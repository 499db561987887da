"""Doctor: what is wrong, in plain words, and how to mend it."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from deploy.embedded.postgres import Cluster
from shared.process import examinations, main
from shared.process.checks import Finding
from shared.process.doctor import examine, report
from tests.shared.process.ferry import SERVICE

Findings = Callable[[], dict[str, Finding]]


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch, database_url: str, log_url: str, tmp_path: Path) -> Findings:
    """What doctor finds, by name."""
    settings = {"DATABASE_URL": database_url, "LOG_URL": log_url, "TRACES_DIR": str(tmp_path / "traces"), "ISSUER": "http://127.0.0.1:9"}
    for name, value in settings.items():
        monkeypatch.setenv(f"INTERURBE_{name}", value)
    monkeypatch.setattr("shared.migrations.head", lambda _service: None)
    return lambda: {one.name: one for one in asyncio.run(examine(SERVICE))}


def wrong(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.words for name, one in found.items() if one.ok is False}


def test_all_is_well(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_ISSUER", "http://127.0.0.1:8001")
    found = findings()
    assert wrong(found) == {}
    assert list(found) == ["settings", "python", "database", "role", "migrations", "bus", "topics", "issuer", "traces", "hull"]
    assert found["topics"].words == "interurbe.partners is there"
    assert report(list(found.values())).endswith("\nAll is well.")


def test_no_database_means_that_its_role_is_not_asked_for(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", "postgresql://partners:pa55@127.0.0.1:9/partners")
    found = findings()
    assert found["database"].words == "nothing listens on 127.0.0.1:9"
    assert found["database"].fix == "Start PostgreSQL, or correct host and port in INTERURBE_DATABASE_URL."
    assert found["role"] == Finding("role", ok=None, words="not asked, because database is not well")
    assert "pa55" not in report(list(found.values()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "the password of the role partners is not accepted"),
        ({"username": "nobody"}, "the password of the role nobody is not accepted"),
        ({"database": "nowhere"}, "there is no database nowhere"),
        ({"host": "no-such-host.invalid"}, "the name no-such-host.invalid is not known to the network"),
    ],
)
def test_a_wrong_address_is_told_apart(
    findings: Findings, monkeypatch: pytest.MonkeyPatch, database_url: str, change: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", make_url(database_url).set(**change).render_as_string(hide_password=False))
    assert findings()["database"].words == words


def test_a_mighty_role_is_refused(findings: Findings, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", cluster.url("postgres", "postgres"))
    assert findings()["role"].words == "the role postgres may do anything in this server"


def test_an_old_database_names_the_command(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.migrations.head", lambda _service: "0003")
    found = findings()["migrations"]
    assert (found.words, found.fix) == ("the database is at nothing, the newest is 0003", "python -m services.ferry migrate")


def test_a_bus_that_is_away(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_LOG_URL", "postgresql://log:pa55@127.0.0.1:9/log")
    found = findings()
    assert "127.0.0.1:9" in found["bus"].words
    assert found["topics"].ok is None


def test_an_issuer_that_is_away(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_ISSUER", "http://127.0.0.1:9")
    assert findings()["issuer"].words.startswith("http://127.0.0.1:9 does not publish its keys (ConnectError")


def test_a_collector_that_is_away(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert findings()["traces"].words == "nothing listens on http://127.0.0.1:9"


def test_a_folder_that_cannot_be_written(findings: Findings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("INTERURBE_TRACES_DIR", str(tmp_path / "a file" / "traces"))
    assert "cannot be written" in findings()["traces"].words


def test_a_full_disk(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examinations, "LEAST_FREE_BYTES", 1 << 62)
    assert "MB are free" in findings()["traces"].words


def test_a_services_own_question_and_the_exit_code(
    findings: Findings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert findings()["hull"].ok
    monkeypatch.setenv("FERRY_LEAKS", "yes")
    monkeypatch.setattr(sys, "argv", ["ferry", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        main(SERVICE)
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["ok"]) == (1, False)
    assert told["checks"][-1] == {"name": "hull", "ok": False, "words": "water comes in", "fix": "Bail it out."}


def test_settings_that_cannot_be_read_are_a_finding(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERURBE_DATABASE_URL")
    assert report(list(findings().values())) == (
        "✗ settings  INTERURBE_DATABASE_URL is missing\n"
        "            → Set it to the service's own database, e.g. postgresql://partners:PASSWORD@127.0.0.1:5432/partners.\n"
        "1 of 1 checks found something wrong."
    )
