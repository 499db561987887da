"""Memberships, likely duplicates and secrets that run out: who is told of them, why, and in which words the mail arrives."""

from collections.abc import Callable

import pytest

from shared.events import Envelope
from tests.notifications.affairs import about_to_lapse, approved, changed, lapsed, runs_out, suspected
from tests.notifications.conftest import NotificationsService

ANA, NET, BEA, KIM = "ana@medellin.example", "red@asocapitales.example", "bea@bogota.example", "kim@kyiv.example"


class Scene:
    """Medellín and Bogotá are members of Asocapitales, Kyiv of nothing; each has a mailbox for what affects it."""

    def __init__(self, service: NotificationsService) -> None:
        said = service.neighbours
        self.service, self.said = service, said
        self.medellin, self.bogota = said.partner("Medellín"), said.partner("Bogotá")
        self.network = said.partner({"es": "Red de capitales", "en": "Network of capitals"}, "city_network")
        self.kyiv = said.partner({"en": "Kyiv", "es": "Kiev"})
        for member in (self.medellin, self.bogota):
            said.joins(member, self.network)

    async def opened(self) -> "Scene":
        """The scene, with everybody subscribed."""
        await self.service.hear()
        for email, partner, language in ((ANA, self.medellin, "es"), (NET, self.network, "en"), (BEA, self.bogota, "es")):
            await self.service.subscriber(email, partner, language, {"role": "affected"})
        await self.service.subscriber(KIM, self.kyiv, "en")
        return self

    async def told(self) -> dict[str, str]:
        """Who got a mail since the last time, and its subject."""
        await self.service.hear()
        await self.service.send()
        mails = {mail.to: str(mail.message["Subject"]) for mail in self.service.server.mails}
        assert len(mails) == len(self.service.server.mails)
        return mails


def of_a_warning(scene: Scene) -> Envelope:
    return about_to_lapse(scene.said, scene.medellin, scene.network)


def of_a_duplicate(scene: Scene) -> Envelope:
    return suspected(scene.said, scene.kyiv, scene.medellin, alike_by=("Medellín", "Medellin"))


def of_a_secret(scene: Scene) -> Envelope:
    return runs_out(scene.said, scene.medellin)


@pytest.fixture
async def scene(service: NotificationsService) -> Scene:
    return await Scene(service).opened()


async def test_a_membership_that_is_approved_is_told_to_the_two_and_to_whoever_follows_everything(scene: Scene) -> None:
    approved(scene.said, scene.medellin, scene.network)
    assert await scene.told() == {
        ANA: "Membresía aprobada: Medellín en Red de capitales",
        NET: "Membership approved: Medellín in Network of capitals",
        KIM: "Membership approved: Medellín in Network of capitals",
    }


async def test_a_membership_about_to_lapse_is_told_to_the_two_alone(scene: Scene) -> None:
    of_a_warning(scene)
    assert await scene.told() == {
        ANA: "La membresía de Medellín en Red de capitales está por vencer",
        NET: "The membership of Medellín in Network of capitals is about to lapse",
    }


async def test_a_membership_that_lapsed_is_no_affair_of_its_fellow_members(scene: Scene) -> None:
    lapsed(scene.said, scene.medellin, scene.network)
    assert sorted(await scene.told()) == sorted([ANA, NET, KIM])


async def test_a_membership_that_changed_is_told_to_the_two_and_to_whoever_follows_everything(scene: Scene) -> None:
    changed(scene.said, scene.medellin, scene.network, role="secretariat")
    assert await scene.told() == {
        ANA: "Cambió la membresía de Medellín en Red de capitales",
        NET: "The membership of Medellín in Network of capitals has changed",
        KIM: "The membership of Medellín in Network of capitals has changed",
    }


async def test_a_likely_duplicate_is_told_to_both_it_and_the_suspect(scene: Scene) -> None:
    of_a_duplicate(scene)
    assert await scene.told() == {ANA: "¿Ya estaba en el registro? Kiev", KIM: "On record already? Kyiv"}


async def test_a_secret_that_runs_out_is_told_to_its_owner_alone_by_the_clocks_of_its_place(scene: Scene) -> None:
    fact = of_a_secret(scene)
    assert await scene.told() == {ANA: "El acceso de «Portal de datos» está por vencer"}
    body = scene.service.server.mails[0].body()
    assert "martes, 15 de diciembre de 2026, 22:30 (hora de Bogotá, UTC-05:00)" in body
    assert f"curl -X POST http://partners.test/v1/clients/{fact.subject_id}/secrets" in body


@pytest.mark.parametrize("make", [of_a_warning, of_a_duplicate, of_a_secret])
async def test_the_mail_says_that_the_matter_concerns_the_reader(scene: Scene, make: Callable[[Scene], Envelope]) -> None:
    make(scene)
    await scene.told()
    (body,) = [mail.body() for mail in scene.service.server.to(ANA)]
    assert "Usted recibe este mensaje porque el asunto concierne a Medellín." in body


async def test_whoever_follows_the_network_is_told_who_joins_it_and_why_this_came(scene: Scene) -> None:
    await scene.service.subscriber("leo@kyiv.example", scene.kyiv, "es", {"filter": {"networks": [scene.network]}})
    approved(scene.said, scene.medellin, scene.network)
    await scene.told()
    (mail,) = scene.service.server.to("leo@kyiv.example")
    assert "porque sigue la red Red de capitales." in mail.body()


@pytest.mark.parametrize("make", [of_a_warning, of_a_duplicate, of_a_secret])
async def test_told_again_and_out_of_order_it_is_one_mail(scene: Scene, make: Callable[[Scene], Envelope]) -> None:
    first, second = approved(scene.said, scene.medellin, scene.network), make(scene)
    scene.said.take()
    for again in ([second, first], [first, second], [second, second, first]):
        await scene.service.hear(again)
    await scene.service.send()
    assert len(scene.service.server.to(ANA)) == 2
    told = await scene.service.messages(event=second.id)
    assert len({message["subscriber_id"] for message in told}) == len(told)


async def test_the_public_page_offers_nothing_that_only_partners_are_told(scene: Scene) -> None:
    page = (await scene.service.browser.get("/subscribe")).text
    assert 'value="membership.approved"' in page
    assert not any(kind in page for kind in ("lapse_warned", "duplicate_suspected", "expiry_warned"))
