"""What the two press releases say: who took part, and what they agreed on.

Sources: Asocapitales, "Asocapitales y WeGo firman memorando de entendimiento …", Bogotá, 12 July 2024; Ruta N, "El Centro para
la Cuarta Revolución de Medellín logró tres alianzas internacionales …", 2025. People and addresses are invented.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

SCHEME = "demo"
"""The scheme of the keys under which the demo's partners are found again."""

PARTNERS: dict[str, dict[str, Any]] = {
    "asocapitales": {
        "kind": "city_network",
        "country": "CO",
        "locality": "Bogotá",
        "timezone": "America/Bogota",
        "languages": ["es"],
        "names": {"es": "Asociación Colombiana de Ciudades Capitales", "en": "Colombian Association of Capital Cities"},
        "acronym": "Asocapitales",
        "website": "https://www.asocapitales.co",
    },
    "wego": {
        "kind": "city_network",
        "country": "KR",
        "locality": "Seoul",
        "timezone": "Asia/Seoul",
        "languages": ["en", "ko"],
        "names": {"es": "Organización Mundial de Ciudades Inteligentes y Sostenibles", "en": "World Smart Sustainable Cities Organization"},
        "acronym": "WeGO",
    },
    "bogota": {
        "kind": "city",
        "country": "CO",
        "locality": "Bogotá",
        "timezone": "America/Bogota",
        "languages": ["es"],
        "names": {"es": "Bogotá"},
        "website": "https://bogota.gov.co",
    },
    "medellin": {
        "kind": "city",
        "country": "CO",
        "locality": "Medellín",
        "timezone": "America/Bogota",
        "languages": ["es"],
        "names": {"es": "Medellín"},
    },
    "seoul": {
        "kind": "city",
        "country": "KR",
        "locality": "Seoul",
        "timezone": "Asia/Seoul",
        "languages": ["ko", "en"],
        "names": {"es": "Seúl", "en": "Seoul", "ko": "서울"},
    },
    "ruta-n": {
        "kind": "other",
        "country": "CO",
        "locality": "Medellín",
        "timezone": "America/Bogota",
        "languages": ["es"],
        "names": {"es": "Ruta N"},
    },
    "c4ir-medellin": {
        "kind": "tech_centre",
        "country": "CO",
        "locality": "Medellín",
        "timezone": "America/Bogota",
        "languages": ["es", "en"],
        "names": {
            "es": "Centro para la Cuarta Revolución Industrial de Medellín",
            "en": "Centre for the Fourth Industrial Revolution Medellín",
        },
        "acronym": "C4IR Medellín",
    },
    "ggtc-kyiv": {
        "kind": "tech_centre",
        "country": "UA",
        "locality": "Kyiv",
        "timezone": "Europe/Kyiv",
        "languages": ["uk", "en"],
        "names": {"en": "Global Government Technology Centre Kyiv", "es": "Global Government Technology Centre de Kiev"},
        "acronym": "GGTC Kyiv",
        "aliases": [{"text": "C4IR Kyiv", "lang": "en", "kind": "short"}, {"text": "C4IR de Kiev", "lang": "es", "kind": "press"}],
    },
    "ggtc-berlin": {
        "kind": "tech_centre",
        "country": "DE",
        "locality": "Berlin",
        "timezone": "Europe/Berlin",
        "languages": ["de", "en"],
        "names": {"en": "Global Government Technology Centre Berlin", "es": "GGTC de Berlín"},
        "acronym": "GGTC Berlin",
        "aliases": [{"text": "C4IR Berlín", "lang": "es", "kind": "press"}],
    },
    "c4ir-malaysia": {
        "kind": "tech_centre",
        "country": "MY",
        "locality": "Kuala Lumpur",
        "timezone": "Asia/Kuala_Lumpur",
        "languages": ["ms", "en"],
        "names": {"en": "Centre for the Fourth Industrial Revolution Malaysia", "es": "C4IR de Malasia"},
        "acronym": "C4IR Malaysia",
    },
    "global-govtech-network": {
        "kind": "multilateral",
        "country": "CH",
        "locality": "Geneva",
        "timezone": "Europe/Zurich",
        "languages": ["en"],
        "names": {"en": "Global GovTech Network", "es": "Red Global GovTech del Foro Económico Mundial"},
        "acronym": "GGN",
    },
}

TWICE = ("c4ir-kyiv", "ggtc-kyiv")
"""The release calls one centre by two names: somebody registers it once more, under this key, although it is the other."""
PARTNER_AGAIN: dict[str, Any] = {
    "kind": "tech_centre",
    "country": "UA",
    "locality": "Kyiv",
    "timezone": "Europe/Kyiv",
    "names": {"es": "C4IR de Kiev", "en": "C4IR Kyiv"},
}

MEMBERS = [
    ("asocapitales", "bogota", "2012-01-01"),
    ("asocapitales", "medellin", "2012-01-01"),
    ("wego", "seoul", "2010-01-01"),
]
GOVTECH_MEMBERS = [
    ("global-govtech-network", "ggtc-kyiv", "2025-01-01"),
    ("global-govtech-network", "ggtc-berlin", "2025-01-01"),
    ("global-govtech-network", "c4ir-medellin", "2025-06-01"),
]
"""The releases name the members, not the days: these stand for "before" and "in 2025"."""

PEOPLE = [
    ("asocapitales", "cooperacion@asocapitales.example", "es", "America/Bogota"),
    ("wego", "secretariat@wego.example", "en", "Asia/Seoul"),
    ("bogota", "internacional@bogota.example", "es", "America/Bogota"),
    ("c4ir-medellin", "alianzas@c4ir-medellin.example", "es", "America/Bogota"),
    ("ggtc-kyiv", "partnerships@ggtc-kyiv.example", "uk", "Europe/Kyiv"),
    ("ggtc-berlin", "hallo@ggtc-berlin.example", "de", "Europe/Berlin"),
    ("c4ir-malaysia", "hubungan@c4ir-malaysia.example", "ms", "Asia/Kuala_Lumpur"),
]
"""Partner, mailbox, language, zone: whoever of each institution wants to be told."""

RELEASE_2024 = (
    "Bogotá, Colombia, 12 de julio de 2024 – La Asociación Colombiana de Ciudades Capitales (Asocapitales) firmó un Memorando de "
    "Entendimiento con La Organización Mundial de Ciudades Inteligentes y Sostenibles (WeGO)"
)
EVIDENCE = [
    {
        "title": "Comunicado de prensa de Asocapitales, 12 de julio de 2024 (primer párrafo)",
        "media_type": "text/plain",
        "sha256": sha256(RELEASE_2024.encode()).hexdigest(),
        "size": len(RELEASE_2024.encode()),
    }
]


def line(name: str, es: str, en: str, topics: list[str], *commitments: dict[str, Any]) -> dict[str, Any]:
    """One line of cooperation, in two languages."""
    return {"line": name, "text": {"es": es, "en": en}, "topics": topics, "commitments": list(commitments)}


def promise(giver: str, receiver: str, es: str, en: str, **more: Any) -> dict[str, Any]:
    """What one party gives the other."""
    return {"giver": giver, "receiver": receiver, "statement": {"es": es, "en": en}, **more}
