"""The partners service as a process: `python -m services.partners run | serve | work | client create | …`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from services.partners import app, worker
from services.partners.access.commands import create_client, revoke_client
from services.partners.access.models import ClientWanted
from services.partners.agreements.canonical.models import NotCanonical, verify
from services.partners.audit.commands import write
from services.partners.audit.models import Broken, prove
from services.partners.models import Model
from services.partners.settings import PartnersSettings
from shared.auth import PLATFORM, Caller
from shared.process import Runtime, Service, main
from shared.sandbox import in_sandbox
from shared.witness import Deed

_OPERATOR = Caller(client="command line", partner=PLATFORM, scopes=frozenset({"admin"}))


async def client(
    runtime: Runtime,
    action: Annotated[Literal["create"], typer.Argument(help="create")],
    name: Annotated[str, typer.Option(help="what the client is called")],
    partner: Annotated[str | None, typer.Option(help="the partner's id; without it the client is the operator's")] = None,
    scopes: Annotated[str, typer.Option(help="some of: read write sign admin")] = "read write",
) -> None:
    """Make a client of a partner's system; its id and secret are printed, the secret this once only."""
    said = frozenset(scopes.replace(",", " ").split())
    wanted = ClientWanted(partner=partner, name=name, scopes=said, sandbox=in_sandbox(partner or ""))
    async with runtime.database.session() as session:
        made, secret = await create_client(session, _OPERATOR, wanted, datetime.now(UTC))
        await session.run_sync(write, Deed(_OPERATOR, "client create", "done", location=f"/v1/clients/{made.id}"))
        await session.commit()
    sys.stdout.write(f"id      {made.id}\nsecret  {secret}\n")


async def revoke(runtime: Runtime, client_id: Annotated[str, typer.Argument(help="the client's id")]) -> None:
    """Let a client get no token any more, and the ones it has be refused."""
    async with runtime.database.session() as session:
        await revoke_client(session, _OPERATOR, client_id, datetime.now(UTC))
        await session.run_sync(write, Deed(_OPERATOR, "revoke-client", "done", location=f"/v1/clients/{client_id}"))
        await session.commit()
    sys.stdout.write(f"client {client_id} is revoked\n")


def verify_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the bytes that GET …/canonical gave")],
    terms_hash: Annotated[str | None, typer.Option("--hash", help="the hash they shall have")] = None,
) -> None:
    """Prove the hash of an agreement's terms from its canonical bytes, offline."""
    try:
        found = verify(file)
    except NotCanonical as problem:
        sys.exit(f"{file}: {problem}")
    sys.stdout.write(f"{found}\n")
    if terms_hash is not None and terms_hash.lower() != found:
        sys.exit(f"{file} has another hash than {terms_hash}: these are not the terms it stands for.")


def verify_audit(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="what GET /v1/audit/export gave, page after page")],
    gaps: Annotated[bool, typer.Option(help="numbers may be missing, as in what one partner sees")] = False,
    holds: Annotated[str | None, typer.Option(help="the hash an earlier proof ended with: nothing up to it may be cut off")] = None,
) -> None:
    """Prove an export of the audit offline; names the first link that is broken."""
    try:
        with file.open(encoding="utf-8") as lines:
            proof = prove(lines, gaps=gaps, holds=holds.lower() if holds else None)
    except (Broken, UnicodeDecodeError) as problem:
        sys.exit(f"{file}: {problem}")
    sys.stdout.write(f"{proof.entries} entries, {proof.first} to {proof.last}, ending with {proof.hash}\n")


SERVICE = Service(
    name="partners",
    settings=PartnersSettings,
    app=app.build,
    loops=worker.loops,
    models=lambda: Model.metadata,
    commands={"client": client, "revoke-client": revoke, "verify": verify_file, "audit-verify": verify_audit},
)

if __name__ == "__main__":
    main(SERVICE)
