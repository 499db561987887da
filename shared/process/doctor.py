"""`doctor`: asks everything the service stands on, and says in plain words what is wrong and how to mend it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from shared.process.checks import Check, Finding, Trouble
from shared.process.examinations import examinations
from shared.process.opening import opened
from shared.settings import load
from shared.settings_errors import SettingsError

if TYPE_CHECKING:
    from shared.process.runtime import Service

PATIENCE_SECONDS = 15.0
_MARKS = {True: "✓", False: "✗", None: "-"}


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine: one JSON object.")] = False,
) -> None:
    """Check everything this service stands on; exit 0 when all is well, 1 when something is not."""
    service: Service = ctx.obj
    findings = asyncio.run(examine(service))
    well = all(finding.ok for finding in findings)
    if as_json:
        typer.echo(json.dumps({"service": service.name, "ok": well, "checks": [asdict(one) for one in findings]}, ensure_ascii=False))
    else:
        typer.echo(report(findings))
    raise typer.Exit(0 if well else 1)


async def examine(service: "Service") -> list[Finding]:
    """Ask everything, one after another; settings that cannot be read are the only finding."""
    try:
        settings = load(service.settings)
        async with opened(service, settings) as runtime:
            runtime.loops.extend(service.loops(runtime))
            return await _asked(examinations(service, runtime))
    except SettingsError as error:
        return [Finding("settings", ok=False, words=f"{name} {rule}", fix=f"Set it to {fix}.") for name, rule, fix in error.problems]


async def _asked(checks: Sequence[Check]) -> list[Finding]:
    findings: dict[str, Finding] = {"settings": Finding("settings", ok=True, words="can be read")}
    for check in checks:
        missing = [name for name in check.needs if name in findings and not findings[name].ok]
        findings[check.name] = (
            Finding(check.name, ok=None, words=f"not asked, because {missing[0]} is not well") if missing else await _one(check)
        )
    return list(findings.values())


async def _one(check: Check) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Finding(check.name, ok=True, words=await check.ask())
    except Trouble as trouble:
        return Finding(check.name, ok=False, words=trouble.wrong, fix=trouble.fix)
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding, whatever failed in it
        return Finding(check.name, ok=False, words=f"{type(error).__name__}: {error}", fix="The logs of the service may say more.")


def report(findings: Sequence[Finding]) -> str:
    """The findings as lines for a person."""
    width = max(len(one.name) for one in findings)
    lines = []
    for one in findings:
        lines.append(f"{_MARKS[one.ok]} {one.name:<{width}}  {one.words}")
        if one.fix:
            lines.append(f"  {'':<{width}}  → {one.fix}")
    wrong = sum(one.ok is False for one in findings)
    return "\n".join([*lines, "All is well." if not wrong else f"{wrong} of {len(findings)} checks found something wrong."])
