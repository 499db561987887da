"""Who is told, when, and how.

Owns: subscribers, subscriptions, notices, messages
Publishes: SubscriberConfirmed, SubscriberUnsubscribed
Consumes: PartnerRegistered, PartnerUpdated, MembershipStarted, MembershipEnded, AgreementSigned, AgreementEnteredIntoForce,
    MembershipLapseWarned, MembershipEnteredGrace, MembershipLapsed, MembershipRenewed, MembershipSuspended, MembershipResumed,
    ExchangeScheduled, ExchangeRescheduled, ExchangeCancelled, MembershipApproved,
    PartnerDuplicateSuspected, ClientExpiryWarned, ClientRevoked
"""
