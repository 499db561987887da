"""The agreements of the two stories, as the releases describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.embedded.demo.facts import EVIDENCE, line, promise

MOU_2024 = "MOU-ASOCAPITALES-WEGO-2024"


def memorandum(ids: Mapping[str, str]) -> dict[str, Any]:
    """Story A: the memorandum of 12 July 2024 with its four lines, to be recorded as signed long ago."""
    ours, theirs = ids["asocapitales"], ids["wego"]
    return {
        "code": MOU_2024,
        "kind": "mou",
        "visibility": "public",
        "timezone": "America/Bogota",
        "signed_on": "2024-07-12",
        "evidence": EVIDENCE,
        "titles": {"es": "Memorando de entendimiento Asocapitales – WeGO", "en": "Memorandum of understanding Asocapitales – WeGO"},
        "parties": [{"partner": ours}, {"partner": theirs}],
        "terms": {
            "governing_languages": ["es", "en"],
            "lines": [_knowledge(ours, theirs), *_other_lines()],
        },
    }


def _knowledge(ours: str, theirs: str) -> dict[str, Any]:
    """Line a, with what each gives the other."""
    knowledge = promise(
        ours,
        theirs,
        "Intercambiar mejores prácticas y experiencia en iniciativas de ciudades inteligentes",
        "Exchange best practices and experience in smart city initiatives",
    )
    capacity = promise(
        theirs,
        ours,
        "Talleres, misiones y eventos de desarrollo de capacidades para las ciudades capitales",
        "Capacity-building workshops, missions and events for the capital cities",
    )
    return line(
        "knowledge_exchange",
        "Intercambio de conocimientos y desarrollo de capacidades",
        "Knowledge exchange and capacity building",
        ["smart cities"],
        knowledge,
        capacity,
    )


def _other_lines() -> list[dict[str, Any]]:
    """Lines b to d."""
    return [
        line(
            "joint_projects",
            "Proyectos e iniciativas conjuntas sobre desafíos urbanos comunes",
            "Joint projects on shared urban challenges",
            ["digital innovation"],
        ),
        line(
            "advocacy_networking",
            "Defensa y creación de redes: conferencias, foros y eventos",
            "Advocacy and networking: conferences, forums, events",
            ["visibility"],
        ),
        line(
            "partnership_facilitation",
            "Facilitación de asociaciones y ciudades hermanas",
            "Facilitating partnerships and sister cities",
            ["sister cities"],
        ),
    ]


def alliances(ids: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Story B: the three alliances of 2025, each with the key of the other side."""
    return [("ggtc-kyiv", _kyiv(ids)), ("ggtc-berlin", _berlin(ids)), ("c4ir-malaysia", _malaysia(ids))]


def _alliance(ids: Mapping[str, str], other: str, code: str, titles: dict[str, str], lines: list[dict[str, Any]]) -> dict[str, Any]:
    parties = [{"partner": ids["c4ir-medellin"]}, {"partner": ids[other]}]
    terms = {"governing_languages": ["es", "en"], "renewal": "by_agreement", "notice_period_days": 90, "lines": lines}
    return {
        "code": code,
        "kind": "alliance",
        "visibility": "public",
        "timezone": "America/Bogota",
        "titles": titles,
        "parties": parties,
        "terms": terms,
    }


def _kyiv(ids: Mapping[str, str]) -> dict[str, Any]:
    medellin, kyiv = ids["c4ir-medellin"], ids["ggtc-kyiv"]
    transfer = line(
        "knowledge_exchange",
        "Transferencia de conocimiento para robustecer las capacidades GovTech del Distrito",
        "Knowledge transfer to strengthen the District's GovTech capacities",
        ["govtech", "digital government"],
        promise(
            kyiv,
            medellin,
            "Presentar la estrategia de gobierno digital de Ucrania (Diia)",
            "Present Ukraine's digital government strategy (Diia)",
            quantity=1,
            unit="workshop",
        ),
        promise(
            medellin, kyiv, "Presentar la iniciativa Ciudadano 360", "Present the Ciudadano 360 initiative", quantity=1, unit="workshop"
        ),
    )
    challenges = line(
        "joint_projects",
        "Retos de ciudad y mecanismos de colaboración abierta",
        "City challenges and open collaboration",
        ["city challenges", "open collaboration"],
    )
    titles = {"es": "Alianza GovTech C4IR Medellín – GGTC Kiev", "en": "GovTech alliance C4IR Medellín – GGTC Kyiv"}
    return _alliance(ids, "ggtc-kyiv", "ALLIANCE-MEDELLIN-KYIV-2025", titles, [transfer, challenges])


def _berlin(ids: Mapping[str, str]) -> dict[str, Any]:
    frameworks = line(
        "knowledge_exchange",
        "Marcos de gobernanza para un uso ético, seguro y eficaz de los datos públicos",
        "Governance frameworks for ethical, safe and effective use of public data",
        ["data governance", "public data"],
        promise(
            ids["ggtc-berlin"],
            ids["c4ir-medellin"],
            "Compartir marcos de gobernanza y experiencias institucionales",
            "Share governance frameworks and institutional experience",
        ),
    )
    titles = {
        "es": "Alianza de gobernanza de datos C4IR Medellín – GGTC Berlín",
        "en": "Data governance alliance C4IR Medellín – GGTC Berlin",
    }
    return _alliance(ids, "ggtc-berlin", "ALLIANCE-MEDELLIN-BERLIN-2025", titles, [frameworks])


def _malaysia(ids: Mapping[str, str]) -> dict[str, Any]:
    medellin, malaysia = ids["c4ir-medellin"], ids["c4ir-malaysia"]
    policy = line(
        "knowledge_exchange",
        "Evaluación de la Política de Datos Abiertos y estrategias inspiradas en MyGov",
        "Evaluation of the open data policy, and strategies inspired by MyGov",
        ["open data", "MyGov", "Ciudadano 360"],
        promise(
            medellin,
            malaysia,
            "Compartir la experiencia del Distrito en la evaluación de su Política de Datos Abiertos",
            "Share the District's experience in evaluating its open data policy",
        ),
        promise(malaysia, medellin, "Compartir aprendizajes de la plataforma MyGov", "Share lessons of the MyGov platform"),
    )
    titles = {"es": "Alianza de datos abiertos C4IR Medellín – C4IR Malasia", "en": "Open data alliance C4IR Medellín – C4IR Malaysia"}
    return _alliance(ids, "c4ir-malaysia", "ALLIANCE-MEDELLIN-MALAYSIA-2025", titles, [policy])
