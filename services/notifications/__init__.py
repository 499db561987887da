"""Who is told, when, and how.

Owns: subscribers, subscriptions, notices, messages
Publishes: SubscriberConfirmed, SubscriberUnsubscribed
Consumes: PartnerRegistered, PartnerUpdated, PartnerMerged, PartnerMergeUndone, MembershipStarted, MembershipEnded,
    MembershipLapseWarned, MembershipEnteredGrace, MembershipLapsed, MembershipRenewed, MembershipSuspended, MembershipResumed,
    MembershipSucceeded, AgreementSigned, AgreementEnteredIntoForce, AgreementPartySucceeded, ExchangeScheduled,
    ExchangeRescheduled, ExchangeCancelled, MembershipApproved, PartnerDuplicateSuspected, ClientExpiryWarned, ClientRevoked,
    ClientSecretRetired, PartnerSuspended, PartnerResumed, PartnerArchived, MembershipChanged
"""
