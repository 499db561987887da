"""Why something cannot be done in the registry, each with what to do instead."""

from shared.refusals import Conflict, Invalid


class UnknownPartner(Invalid):
    """The request names a partner that is not in the registry. Register it, or look its id up with ``GET /v1/partners?q=``."""

    code = "unknown-partner"
    title = "A partner named in the request is not known here."


class PartnerIsMerged(Conflict):
    """The request names a partner that was merged into another. Name the partner in ``survivor`` instead."""

    code = "partner-merged"
    title = "A partner named in the request was merged into another."

    def __init__(self, partner: str, survivor: str, field: str) -> None:
        """``field`` is where the request names ``partner``, which is now the partner ``survivor``."""
        detail = f"The partner {partner} was merged into {survivor}."
        super().__init__(detail, field=field, fix=f"Name the partner {survivor}.", partner=partner, survivor=survivor)


class SuspectedDuplicate(Conflict):
    """A partner of that name, or of one near it, is registered in the country. Use one of ``suspects``, or send ``force: true``.

    Each suspect has a ``score`` up to 1 and says ``because`` of which names: ``same_name``, ``same_acronym``, ``one_within_the_other``
    or ``alike``.
    """

    code = "suspected-duplicate"
    title = "This partner seems to be registered already."


class IdentifierTaken(Conflict):
    """The external identifier already belongs to the partner in ``partner``. Use that partner, or correct the identifier."""

    code = "identifier-taken"
    title = "The external identifier belongs to another partner."


class StillHasMembers(Conflict):
    """A network with members, or with applications to answer, can become nothing that is no network. End and answer those first."""

    code = "still-has-members"
    title = "The network still has members."
