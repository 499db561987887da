"""Agreement: the whole of its life in one aggregate; each part of that life is a room of this wing."""

from sqlalchemy import Index

from services.partners.agreements.history.models import History


class Agreement(History):
    """Two or more partners' promise to each other, from the first draft to the day it binds and after.

    draft → negotiating ⇄ agreed → signing → signed → in_force; abandoned from anywhere before signed; history starts at signed.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        Index("ix_agreement_party_ids", "party_ids", postgresql_using="gin"),
        {"postgresql_with": {"toast_tuple_target": 8160}},
    )
