"""What the partners service does beside answering: what is due by its date, and the chain of the audit."""

from services.partners.access.commands import ACTS as ACCESS
from services.partners.agreements.commands import ACTS as ENTITLING
from services.partners.agreements.signing.commands import ACTS as AGREEMENTS
from services.partners.audit.chaining import Chaining
from services.partners.importing.commands import ACTS as IMPORTING
from services.partners.importing.working import Importing
from services.partners.inheritance.commands import ACTS as INHERITANCE
from services.partners.mandates.commands import ACTS as MANDATES
from services.partners.networks.archiving.commands import ACTS as ARCHIVING
from services.partners.networks.commands import ACTS as NETWORKS
from services.partners.registry.hosting.commands import ACTS as HOSTING
from services.partners.registry.verifying.commands import ACTS as VERIFYING
from shared.due import DueLoop
from shared.loop import Loop
from shared.process import Runtime


def loops(runtime: Runtime) -> list[Loop]:
    """The loops of a process that works; relay and cleanup are the process's own."""
    acts = {**ACCESS, **NETWORKS, **ARCHIVING, **INHERITANCE, **ENTITLING, **AGREEMENTS, **MANDATES, **VERIFYING, **HOSTING, **IMPORTING}
    return [DueLoop(runtime.database, acts, relay_wake=runtime.wake.set), Chaining(runtime.database), Importing(runtime)]
