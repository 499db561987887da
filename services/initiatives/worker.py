"""What the initiatives service does beside requests: it keeps its views up with what the partners service says."""

from services.initiatives.commitments.handlers import HANDLERS as COMMITMENTS
from services.initiatives.directory.entitlements.handlers import HANDLERS as ENTITLEMENTS
from services.initiatives.directory.entitlements.models import VIEWS as ENTITLEMENT_VIEWS
from services.initiatives.directory.handlers import HANDLERS as DIRECTORY
from services.initiatives.directory.models import VIEWS as DIRECTORY_VIEWS
from shared.consumer import Consumer
from shared.loop import Loop
from shared.process import Runtime


def loops(runtime: Runtime) -> list[Loop]:
    """One consumer for each room that has handlers; the trackers of commitments are records of our own, so that room has no view."""
    return [
        Consumer("initiatives.directory", runtime, DIRECTORY, DIRECTORY_VIEWS),
        Consumer("initiatives.directory.entitlements", runtime, ENTITLEMENTS, ENTITLEMENT_VIEWS),
        Consumer("initiatives.commitments", runtime, COMMITMENTS),
    ]
