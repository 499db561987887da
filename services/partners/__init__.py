"""Who cooperates with whom, and under which signed terms.

Owns: clients, signing keys, audit entries, partners, memberships, mandates, agreements, entitlements, contacts
Publishes: PartnerRegistered, PartnerUpdated, MembershipApplied, MembershipRejected,
    MembershipApplicationWithdrawn, MembershipApproved, MembershipLapseWarned, MembershipEnteredGrace, MembershipLapsed, MembershipStarted, MembershipEnded, MembershipOptedIn, MembershipOptedOut,
    MandateRequested, MandateGranted, MandateRevoked, MandateExpired, AgreementDrafted, AgreementProposed, AgreementPartyInvited,
    AgreementRevisionProposed, AgreementPartyConsentLapsed, AgreementPartyApproved, AgreementTermsAgreed, AgreementSignatureRequested,
    AgreementPartySigned, AgreementSigned, AgreementEnteredIntoForce, AgreementAbandoned, EntitlementGranted, EntitlementWithdrawn,
    ClientRevoked, ClientExpiryWarned, PartnerDuplicateSuspected
Consumes: nothing
"""
