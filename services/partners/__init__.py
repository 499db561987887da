"""Who cooperates with whom, and under which signed terms.

Owns: clients, signing keys, partners, memberships, mandates, agreements, contacts
Publishes: PartnerRegistered, PartnerUpdated, MembershipStarted, MembershipEnded, AgreementDrafted, AgreementProposed,
    AgreementPartyInvited, AgreementRevisionProposed, AgreementPartyConsentLapsed, AgreementPartyApproved, AgreementTermsAgreed,
    AgreementSignatureRequested, AgreementPartySigned, AgreementSigned, AgreementEnteredIntoForce, AgreementAbandoned,
    MandateRequested, MandateGranted, MandateRevoked, MandateExpired
Consumes: nothing
"""
