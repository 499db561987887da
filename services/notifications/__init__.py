"""Who is told, when, and how.

Owns: subscribers, subscriptions, notices, messages
Publishes: SubscriberConfirmed, SubscriberUnsubscribed
Consumes: PartnerRegistered, PartnerUpdated, MembershipStarted, MembershipEnded, AgreementSigned, AgreementEnteredIntoForce,
    ExchangeScheduled, ExchangeRescheduled, ExchangeCancelled, MembershipApproved, MembershipLapseWarned, MembershipLapsed,
    PartnerDuplicateSuspected, ClientExpiryWarned, ClientRevoked
"""
