"""What the directory keeps of its neighbour, and what it adds to a fact."""

from datetime import date

from services.notifications.directory.views import names_of, surroundings
from shared.db import new_id
from shared.events import PartnerUpdated, Visibility
from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import Reach


async def test_partners_are_kept_by_their_latest_profile(service: NotificationsService) -> None:
    said = service.neighbours
    partner = said.partner("Medellín")
    registered = said.said[-1].data
    renamed = registered.profile.model_copy(update={"names": {"es": "Distrito de Medellín"}})  # type: ignore[attr-defined]  # it was registered
    said.say(PartnerUpdated(partner=partner, profile=renamed, changed=("names",)), partner)
    facts = said.take()
    await service.hear(facts)
    await service.hear(facts)
    (kept,) = await service.rows("known_partner")
    assert (kept["names"], kept["timezone"]) == ({"es": "Distrito de Medellín"}, "America/Bogota")


async def test_a_membership_ends_with_its_last_day(service: NotificationsService) -> None:
    said = service.neighbours
    city, network = said.partner("Medellín"), said.partner("Asocapitales", "city_network")
    said.leaves(said.joins(city, network), city, network)
    await service.hear()
    (kept,) = await service.rows("known_membership")
    assert (kept["partner"], kept["network"], kept["valid_from"]) == (city, network, date(2020, 1, 1))
    assert kept["valid_to"] < said.now.date()


async def test_topics_of_what_was_signed_outlive_its_entry_into_force(service: NotificationsService) -> None:
    said = service.neighbours
    city = said.partner("Medellín")
    signed = said.sign([city])
    said.enters_into_force(signed.subject_id, [city], Reach(Visibility.PARTIES, (city,)))
    await service.hear()
    (kept,) = await service.rows("known_agreement")
    assert (kept["topics"], kept["visibility"], kept["audience"]) == (["open_data"], "parties", [city])


async def test_a_fact_is_surrounded_by_networks_and_names_of_its_day(service: NotificationsService) -> None:
    said = service.neighbours
    city, network, former = said.partner("Medellín"), said.partner("Asocapitales", "city_network"), said.partner("Antigua", "city_network")
    said.joins(city, network)
    said.leaves(said.joins(city, former), city, former)
    agreement = said.sign([city]).subject_id
    await service.hear()
    fact = said.schedule([city], agreement=agreement)
    async with service.runtime.database.session() as session:
        around = await surroundings(session, fact, [city], agreement)
    assert set(around.networks) == {city, network}
    assert set(around.names) == {city, network, agreement}
    assert (around.lines, around.topics) == (("knowledge_exchange",), ("open_data",))


async def test_titles_are_named_to_everybody_only_when_public(service: NotificationsService) -> None:
    said = service.neighbours
    city = said.partner("Medellín")
    open_, closed = said.sign([city]).subject_id, said.sign([city], Reach(Visibility.PARTIES, (city,))).subject_id
    await service.hear()
    async with service.runtime.database.reader() as reader:
        assert set(await names_of(reader, [city, open_, closed, new_id()])) == {city, open_}
        assert await names_of(reader, []) == {}
