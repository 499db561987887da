"""Who cooperates with whom, and under which signed terms.

Owns: clients, signing keys, audit entries, partners, partner merges, verifications, hostings, memberships, mandates, agreements,
    entitlements, contacts
Publishes: PartnerRegistered, PartnerUpdated, PartnerMerged, PartnerMergeUndone, MembershipSucceeded,
    AgreementPartySucceeded, MembershipStarted, MembershipEnded, MembershipOptedIn, MembershipOptedOut,
    MembershipApplied, MembershipApproved, MembershipRejected, MembershipApplicationWithdrawn, MembershipLapseWarned,
    MembershipEnteredGrace, MembershipLapsed, MembershipRenewed, MembershipSuspended, MembershipResumed, MembershipChanged,
    MandateRequested, MandateGranted, MandateRevoked, MandateExpired, AgreementDrafted, AgreementProposed, AgreementPartyInvited,
    AgreementRevisionProposed, AgreementPartyConsentLapsed, AgreementPartyApproved, AgreementTermsAgreed, AgreementSignatureRequested,
    AgreementPartySigned, AgreementSigned, AgreementEnteredIntoForce, AgreementAbandoned, EntitlementGranted, EntitlementWithdrawn,
    ClientRevoked, ClientSecretRetired, ClientExpiryWarned, PartnerDuplicateSuspected,
    PartnerVerificationRequested, PartnerVerified, PartnerVerificationRenewalAsked, PartnerVerificationLapsed,
    PartnerSuspended, PartnerResumed, PartnerArchived
Consumes: nothing
"""
