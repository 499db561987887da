"""What can be done in the registry: register a partner, change what it says of itself, know it under one more name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.partners.models import Seen
from services.partners.registry.claims import one_at_a_time, turn_to_claim
from services.partners.registry.duplicates.views import Lookout, suspected_duplicates
from services.partners.registry.history.models import PartnerChange
from services.partners.registry.hosting.commands import host_from_today
from services.partners.registry.models import NETWORK_KINDS, ExternalId, Partner, Profile, Registration, must_be_one_world
from services.partners.registry.refusals import IdentifierTaken, PartnerIsMerged, StillHasMembers, SuspectedDuplicate
from services.partners.registry.standing.commands import partner_seen, tell
from services.partners.registry.standing.models import State
from services.partners.registry.standing.views import must_be_told
from services.partners.registry.views import has_members, known_partners, known_to, owners_of, survivor_of
from shared.auth import Caller
from shared.events import Event
from shared.outbox import record_each
from shared.refusals import Forbidden, NotFound, Refusal, Stale

_New = tuple[Partner, Sequence[Event]]
"""A partner that is not written yet, and what is told of it."""


async def register_partner(session: AsyncSession, caller: Caller, registration: Registration, now: datetime) -> Partner:
    """Put a partner on record; refuse one whose name is near one of its country, unless forced: then it is told that it is suspected.

    Raises Forbidden, `SuspectedDuplicate`, `IdentifierTaken`, `UnknownPartner` (the host) or Invalid.
    """
    _must_operate(caller)
    await turn_to_claim(session, registration.profile.identifiers, country=registration.profile.country)
    return await _register(session, caller, registration, now)


async def register_partners(
    session: AsyncSession, caller: Caller, registrations: Sequence[Registration], now: datetime, *, apart: bool = False
) -> list[Partner | Refusal]:
    """Put partners on record as if one after the other, in a few statements; of each the partner, or why it is not on record.

    With ``apart`` no one's name is compared with those of the others. What one registration is refused for hinders no other; whatever
    else goes wrong is raised and concerns them all: whoever calls has a savepoint to go back to.
    """
    if not caller.is_admin:
        return [_no_operator() for _ in registrations]
    await one_at_a_time(session)
    return await _register_all(session, caller, registrations, now, apart=apart)


async def update_partner(session: AsyncSession, caller: Caller, seen: Seen, changes: Mapping[str, Any], now: datetime) -> Partner:
    """Take over the changed fields of a partner's profile; nothing happens when they say nothing new.

    Raises NotFound, Forbidden, Stale, `IdentifierTaken`, `PartnerIsMerged`, `StillHasMembers`, `UnknownPartner` (the host) or Invalid.
    """
    if "identifiers" in changes:
        await turn_to_claim(session, changes["identifiers"])
    partner = await _partner_seen(session, caller, seen)
    await _change(session, caller, partner, changes, now)
    return partner


async def put_partner(
    session: AsyncSession, caller: Caller, registration: Registration, version: int | None, now: datetime
) -> tuple[Partner, bool]:
    """Register, or bring up to date, the partner that the sender's system knows by the registration's key; True when it is new.

    Raises what `register_partner` and `update_partner` raise; Stale only when a ``version`` is given.
    """
    await turn_to_claim(session, registration.profile.identifiers, country=registration.profile.country)
    known = await _partner_known_as(session, registration)
    if known is None:
        _must_operate(caller)
        _must_be_new(version)
        return await _register(session, caller, registration, now), True
    if known.is_hidden_from(caller):
        _must_operate(caller)
    _may_change(caller, known)
    Seen(known.id, version).must_be_current(known.version, "partner")
    await _change(session, caller, known, registration.over(known.profile()), now)
    return known, False


async def add_alias(session: AsyncSession, caller: Caller, seen: Seen, alias: dict[str, Any], now: datetime) -> Partner:
    """Know a partner under one more name; nothing happens when it is known under it already.

    Raises NotFound, Forbidden, Stale or Invalid (too many).
    """
    partner = await _partner_seen(session, caller, seen)
    if alias not in partner.aliases:
        await _change(session, caller, partner, {"aliases": (*partner.aliases, alias)}, now)
    return partner


async def remove_alias(session: AsyncSession, caller: Caller, seen: Seen, text: str, now: datetime) -> Partner:
    """No longer know a partner under this name, in whichever language; raises NotFound, Forbidden or Stale."""
    partner = await _partner_seen(session, caller, seen)
    left = tuple(alias for alias in partner.aliases if alias["text"] != text)
    if len(left) == len(partner.aliases):
        raise NotFound("The partner has no such alias.", field="?text", fix="Send an alias exactly as the partner's 'aliases' show it.")
    await _change(session, caller, partner, {"aliases": left}, now)
    return partner


async def _register(session: AsyncSession, caller: Caller, registration: Registration, now: datetime) -> Partner:
    (end,) = await _register_all(session, caller, [registration], now)
    if isinstance(end, Refusal):
        raise end
    return end


async def _register_all(
    session: AsyncSession, caller: Caller, registrations: Sequence[Registration], now: datetime, *, apart: bool = False
) -> list[Partner | Refusal]:
    made = [_made(registration, now) for registration in registrations]
    owners = await owners_of(session, {key for registration in registrations for key in registration.profile.identifiers})
    lookout = await Lookout.over(session, [one[0] for one in made if not isinstance(one, Refusal)])
    ends: list[_New | Refusal] = []
    for registration, one in zip(registrations, made, strict=True):
        end = one if isinstance(one, Refusal) else await _claimed(session, caller, one, owners)
        if not isinstance(end, Refusal):
            end = _compared(end, lookout, force=registration.force)
        if not isinstance(end, Refusal):
            owners |= dict.fromkeys(registration.profile.identifiers, end[0].id)
            if not apart:
                lookout.admit(end[0])
        ends.append(end)
    await _write_new(session, caller, [end for end in ends if not isinstance(end, Refusal)], now)
    return [end if isinstance(end, Refusal) else end[0] for end in ends]


def _made(registration: Registration, now: datetime) -> _New | Refusal:
    try:
        partner, registered = Partner.register(registration.profile, now, registration.state, sandbox=registration.sandbox)
    except Refusal as refusal:
        return refusal
    return partner, [registered]


async def _claimed(session: AsyncSession, caller: Caller, new: _New, owners: Mapping[tuple[str, str], str]) -> _New | Refusal:
    try:
        await _claim(session, caller, new[0], owners)
    except Refusal as refusal:
        return refusal
    return new


def _compared(new: _New, lookout: Lookout, *, force: bool) -> _New | Refusal:
    """The new partner with all that is to be told of it, or the refusal of one that may be on record already."""
    partner, facts = new
    suspects = lookout.suspects(partner)
    if suspects and not force:
        return _duplicate(partner, suspects)
    return partner, [] if partner.is_untold else [*facts, *partner.suspect(suspects)]


async def _write_new(session: AsyncSession, caller: Caller, new: Sequence[_New], now: datetime) -> None:
    await record_each(session, new, now=now)
    partners = [partner for partner, _ in new]
    keys = [(scheme, value, partner.id) for partner in partners for scheme, value in partner.profile().identifiers]
    await _insert(session, [ExternalId(scheme=scheme, value=value, partner=partner) for scheme, value, partner in keys])
    for partner in partners:
        if partner.hosted_by is not None:
            await host_from_today(session, partner, now)
    await _insert(session, [PartnerChange.of(partner, None, caller) for partner in partners])


async def _insert(session: AsyncSession, things: Sequence[ExternalId] | Sequence[PartnerChange]) -> None:
    """Write things of one kind as they are; they do not become part of the session."""
    if things:
        table: Table = things[0].__table__  # type: ignore[assignment]  # every one of our models is mapped to one
        rows = [{column.key: getattr(thing, column.key) for column in table.columns} for thing in things]
        await session.execute(insert(table), rows)


async def _change(session: AsyncSession, caller: Caller, partner: Partner, changes: Mapping[str, Any], now: datetime) -> None:
    before, stood = partner.profile(), partner.standing()
    updated = partner.update(changes, now)
    if updated is None:
        return
    if "kind" in updated.changed:
        await _may_be(session, caller, partner, before.kind, now)
    if {"identifiers", "hosted_by"} & set(updated.changed):
        # What the changes name must be free and known before they are written.
        with session.no_autoflush:
            await _claim(session, caller, partner, await owners_of(session, partner.profile().identifiers))
            if "hosted_by" in updated.changed:
                await host_from_today(session, partner, now)
    suspects = await _newly_suspected(session, partner, before)
    doubted = [] if caller.is_admin else partner.doubt(updated.changed, now)
    await tell(session, partner, [updated, *partner.suspect(suspects), *doubted], now)
    session.add(PartnerChange.of(partner, before, caller, stood))


async def _may_be(session: AsyncSession, caller: Caller, partner: Partner, before: str, now: datetime) -> None:
    """Of which kind a partner is says the operator: a network takes others in and vouches for them. In a draft its own clients say it."""
    if not caller.is_admin and partner.state != State.DRAFT:
        detail = "Of which kind a partner is says the platform's operator."
        raise Forbidden(detail, field="/kind", fix=f"Leave it '{before}', or ask the platform's operator.")
    gone = before in NETWORK_KINDS and partner.kind not in NETWORK_KINDS
    if gone and await has_members(session, partner.id, partner.today(now)):
        detail = f"The partner has members or applications, and a {partner.kind.replace('_', ' ')} is no network."
        raise StillHasMembers(detail, field="/kind", fix="End its memberships and answer its applications first.")


async def _claim(session: AsyncSession, caller: Caller, partner: Partner, owners: Mapping[tuple[str, str], str]) -> None:
    profile = partner.profile()
    for place, (scheme, value) in enumerate(profile.identifiers):
        owner = owners.get((scheme, value), partner.id)
        if owner != partner.id:
            known = await session.scalar(select(Partner.id).where(Partner.id == owner, known_to(caller)))
            whose = f"the partner {known}" if known else "another partner"
            detail = f"The identifier {scheme}:{value} belongs to {whose}."
            raise IdentifierTaken(detail, field=f"/identifiers/{place}", fix="Use that partner, or correct the identifier.", partner=known)
    if profile.hosted_by is not None:
        hosts = await known_partners(session, [profile.hosted_by], field="/hosted_by")
        must_be_told(hosts, [profile.hosted_by], field="/hosted_by")
        must_be_one_world([partner.id, profile.hosted_by], "/hosted_by")


def _duplicate(partner: Partner, suspects: list[dict[str, Any]]) -> SuspectedDuplicate:
    return SuspectedDuplicate(
        f"{len(suspects)} partner(s) in {partner.country} bear one of these names or one near it.",
        field="/names",
        fix="Use one of the suspects, or send 'force': true to register this partner all the same.",
        suspects=suspects,
    )


async def _newly_suspected(session: AsyncSession, partner: Partner, before: Profile) -> list[dict[str, Any]]:
    """Whom the changed partner might be because of a name it did not have ``before``; elsewhere than before every name is new."""
    new = {*partner.profile().texts()} - ({*before.texts()} if partner.country == before.country else set())
    if not new:
        return []
    # What is asked here must not write the change before its facts are recorded with it.
    with session.no_autoflush:
        suspects = await suspected_duplicates(session, partner)
    return [one for one in suspects if any(reason["yours"] in new for reason in one["because"])]


async def _partner_seen(session: AsyncSession, caller: Caller, seen: Seen) -> Partner:
    partner = await partner_seen(session, caller, seen)
    _may_change(caller, partner)
    if partner.merged_into is not None:
        raise PartnerIsMerged(partner.id, await survivor_of(session, partner.id), "path/partner")
    seen.must_be_current(partner.version, "partner")
    return partner


async def _partner_known_as(session: AsyncSession, registration: Registration) -> Partner | None:
    assert registration.key is not None
    scheme, value = registration.key
    owner = select(ExternalId.partner).where(ExternalId.scheme == scheme, ExternalId.value == value).scalar_subquery()
    # Locked, because a sender without If-Match shall wait for a change under way and not be told of it.
    found = await session.scalars(_with_keys().where(Partner.id == owner).with_for_update(of=Partner))
    return found.unique().one_or_none()


def _with_keys() -> Select[Partner]:
    return select(Partner).options(joinedload(Partner.external_ids))


def _must_operate(caller: Caller) -> None:
    if not caller.is_admin:
        raise _no_operator()


def _no_operator() -> Forbidden:
    return Forbidden("Only an operator of the platform registers partners.", fix="Ask the platform's operator to register the partner.")


def _may_change(caller: Caller, partner: Partner) -> None:
    if not caller.is_admin and caller.partner != partner.id:
        raise Forbidden("A profile is changed by its partner or by the platform's operator.", fix="Use a client of that partner.")


def _must_be_new(version: int | None) -> None:
    if version is not None:
        raise Stale("No partner has this identifier yet, so no version of it can match.", field="If-Match", fix="Leave If-Match out.")
