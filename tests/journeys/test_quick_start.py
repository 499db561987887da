"""README's quick start, typed as it stands, and what else README tells a reader to run or open."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import import_module

import httpx
import pytest

from deploy.embedded.addresses import Ports
from deploy.embedded.environment import ROOT, SERVICES
from deploy.embedded.stack import Stack
from shared.process.console import console
from tests.journeys.conftest import ON_ONE_BUS

README = (ROOT / "README.md").read_text()
SECRETS = "var/secrets/"
SECONDS = 240.0


def quick_start() -> str:
    """Every block of the quick start, in its order."""
    section = README.partition("## Quick start")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


def moved_to(stack: Stack, script: str) -> str:
    """The same for a stack that listens elsewhere and keeps its secrets elsewhere."""
    for name in SERVICES:
        script = script.replace(Ports().url(name), stack.ports.url(name))
    assert SECRETS in script
    return script.replace(SECRETS, f"{stack.var}/secrets/")


@pytest.fixture(scope="module")
def printed(stack: Stack) -> str:
    """What a reader who types it sees."""
    words = ["bash", "-eu", "-o", "pipefail", "-c", moved_to(stack, quick_start())]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def documents(printed: str) -> tuple[dict[str, object], dict[str, object]]:
    """The two JSON documents at the end: the entitlements, and the problem."""
    decoder = json.JSONDecoder()
    start = printed.index("{")
    entitlements, length = decoder.raw_decode(printed[start:])
    problem, _ = decoder.raw_decode(printed[start + length :].lstrip())
    return entitlements, problem


@ON_ONE_BUS
def test_the_agreement_goes_from_state_to_state(printed: str) -> None:
    states = printed[: printed.index("{")].split()
    assert states == ["negotiating", "negotiating", "agreed", "signing", "signing", "in_force"]


@ON_ONE_BUS
def test_the_neighbour_says_why_the_city_may_take_part(printed: str) -> None:
    entitlements, _ = documents(printed)
    assert isinstance(entitlements["items"], list)
    reasons = [item["because"]["en"] for item in entitlements["items"]]
    assert reasons == ["Manizales may take part because it is party to “Open data alliance”, line a (knowledge exchange)."]


@ON_ONE_BUS
def test_a_wrong_request_is_told_the_field_the_rule_and_the_fix(printed: str) -> None:
    _, problem = documents(printed)
    assert (problem["status"], problem["code"], problem["field"]) == (422, "invalid", "/country")
    assert isinstance(problem["errors"], list)
    assert [error["field"] for error in problem["errors"]] == ["/country", "/timezone"]
    assert all(error["rule"] and error["fix"] for error in problem["errors"])


@ON_ONE_BUS
def test_the_row_that_was_refused_comes_back_with_what_is_wrong(printed: str) -> None:
    header, row = printed.splitlines()[-2:]
    assert header.endswith(",error.line,error.column,error.rule,error.fix")
    assert row.startswith('city,Quito,Ecuador,America/Guayaquil,quito,3,country,"must be a two-letter country code')


def test_it_asks_nothing_of_bash() -> None:
    words = ["sh", "-n", "-c", quick_start()]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"\$RANDOM|\[\[|<<<|\bsleep [1-9]", quick_start()) == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_for_operators_is_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"python -m services\.<name> ([a-z |]+)", README)
    commands = {command for line in lines for command in line.replace("|", " ").split()}
    assert commands >= {"run", "serve", "work", "migrate", "doctor", "parked", "republish", "rebuild", "trace"}
    with pytest.raises(SystemExit):
        console(import_module(f"services.{name}.__main__").SERVICE)(["--help"], prog_name=name)
    offered = re.findall(r"^  ([a-z-]+)  ", capsys.readouterr().out, re.MULTILINE)
    assert commands - set(offered) == set()


@ON_ONE_BUS
@pytest.mark.parametrize("name", SERVICES)
def test_every_page_it_names_opens(stack: Stack, name: str) -> None:
    pages = set(re.findall(r"`(/[a-z]+)`", README))
    assert pages == {"/docs", "/problems", "/livez", "/readyz", "/metrics"}
    assert {page: httpx.get(stack.ports.url(name) + page, timeout=60).status_code for page in pages} == dict.fromkeys(pages, 200)


@ON_ONE_BUS
@pytest.mark.parametrize("name", SERVICES)
def test_the_number_to_watch_is_among_the_metrics(stack: Stack, name: str) -> None:
    [number] = set(re.findall(r"`(interurbe_\w+)`", README))
    told = httpx.get(f"{stack.ports.url(name)}/metrics", timeout=60).text
    assert re.search(rf"^{number} [\d.e+-]+$", told, re.MULTILINE)
