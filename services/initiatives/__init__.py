"""What partners do together under the agreements they signed.

Owns: commitment, exchange
Publishes: CommitmentPlanned, ExchangeScheduled, ExchangeRescheduled, ExchangeCancelled
Consumes: PartnerRegistered, PartnerUpdated, PartnerMerged, PartnerMergeUndone, MembershipStarted, MembershipEnded,
    MembershipSucceeded, MembershipLapseWarned, MembershipEnteredGrace, MembershipLapsed,
    MembershipRenewed, MembershipSuspended, MembershipResumed, MembershipChanged,
    AgreementSigned, AgreementEnteredIntoForce, AgreementPartySucceeded, EntitlementGranted,
    EntitlementWithdrawn, ClientRevoked, ClientSecretRetired, PartnerSuspended, PartnerResumed, PartnerArchived
"""
