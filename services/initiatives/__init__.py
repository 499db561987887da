"""What partners do together under the agreements they signed.

Owns: commitment, exchange
Publishes: CommitmentPlanned, ExchangeScheduled, ExchangeRescheduled, ExchangeCancelled
Consumes: PartnerRegistered, PartnerUpdated, MembershipStarted, MembershipEnded, AgreementSigned, AgreementEnteredIntoForce,
    EntitlementGranted, EntitlementWithdrawn, ClientRevoked
"""
