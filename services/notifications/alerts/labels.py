"""The domain's own words in the languages of messages; a word that is missing here is shown as it is written in the fact."""

from typing import Final

Labels = dict[str, dict[str, str]]

LINES: Final[Labels] = {
    "es": {
        "knowledge_exchange": "Intercambio de conocimientos y desarrollo de capacidades",
        "joint_projects": "Proyectos e iniciativas conjuntas",
        "advocacy_networking": "Defensa y creación de redes",
        "partnership_facilitation": "Facilitación de asociaciones",
    },
    "en": {
        "knowledge_exchange": "Knowledge exchange and capacity building",
        "joint_projects": "Joint projects and initiatives",
        "advocacy_networking": "Advocacy and networking",
        "partnership_facilitation": "Facilitation of partnerships",
    },
}

AGREEMENT_KINDS: Final[Labels] = {
    "es": {
        "mou": "Memorando de entendimiento",
        "alliance": "Alianza",
        "letter_of_intent": "Carta de intención",
        "sister_city": "Hermanamiento de ciudades",
        "friendship": "Acuerdo de amistad",
        "technical_cooperation": "Cooperación técnica",
        "network_accession": "Adhesión a una red",
        "data_sharing": "Intercambio de datos",
        "other": "Acuerdo",
    },
    "en": {
        "mou": "Memorandum of understanding",
        "alliance": "Alliance",
        "letter_of_intent": "Letter of intent",
        "sister_city": "Sister-city agreement",
        "friendship": "Friendship agreement",
        "technical_cooperation": "Technical cooperation",
        "network_accession": "Accession to a network",
        "data_sharing": "Data sharing",
        "other": "Agreement",
    },
}

EXCHANGE_KINDS: Final[Labels] = {
    "es": {
        "workshop": "Taller",
        "mission": "Misión",
        "study_visit": "Visita de estudio",
        "training": "Capacitación",
        "webinar": "Seminario web",
        "mentoring": "Mentoría",
        "conference": "Conferencia",
        "forum": "Foro",
        "networking": "Encuentro",
    },
    "en": {
        "workshop": "Workshop",
        "mission": "Mission",
        "study_visit": "Study visit",
        "training": "Training",
        "webinar": "Webinar",
        "mentoring": "Mentoring",
        "conference": "Conference",
        "forum": "Forum",
        "networking": "Networking",
    },
}

MODALITIES: Final[Labels] = {
    "es": {"in_person": "Presencial", "online": "En línea", "virtual": "En línea", "hybrid": "Híbrida"},
    "en": {"in_person": "In person", "online": "Online", "virtual": "Online", "hybrid": "Hybrid"},
}

ROLES: Final[Labels] = {
    "es": {
        "founding": "miembro fundador",
        "member": "miembro",
        "associate": "miembro asociado",
        "observer": "observador",
        "host": "entidad anfitriona",
        "secretariat": "secretaría",
    },
    "en": {
        "founding": "a founding member",
        "member": "a member",
        "associate": "an associate member",
        "observer": "an observer",
        "host": "the host",
        "secretariat": "the secretariat",
    },
}

PASSED_ON: Final[Labels] = {
    "es": {"auto": "todo", "opt_in": "lo que elija, acuerdo por acuerdo", "no": "nada"},
    "en": {"auto": "all of it", "opt_in": "what it chooses, agreement by agreement", "no": "nothing"},
}

LIKENESSES: Final[Labels] = {
    "es": {
        "same_name": "el mismo nombre",
        "same_acronym": "la misma sigla",
        "one_within_the_other": "un nombre dentro del otro",
        "alike": "nombres parecidos",
    },
    "en": {
        "same_name": "the same name",
        "same_acronym": "the same acronym",
        "one_within_the_other": "one name within the other",
        "alike": "names that are alike",
    },
}
"""In which way two names are near; anything else is a name itself, and is quoted."""

REASONS: Final[dict[str, dict[str, str]]] = {
    "es": {
        "affected": "Usted recibe este mensaje porque el asunto concierne a {partner}.",
        "affected_unnamed": "Usted recibe este mensaje porque el asunto concierne a la entidad que lo suscribió.",
        "follows": "Usted recibe este mensaje porque sigue {what}.",
        "everything": "Usted recibe este mensaje porque sigue las novedades de Interurbe.",
        "partners": "a {names}",
        "networks": "la red {names}",
        "agreements": "el acuerdo {names}",
        "lines": "la línea «{names}»",
        "topics": "el tema «{names}»",
    },
    "en": {
        "affected": "You receive this message because the matter concerns {partner}.",
        "affected_unnamed": "You receive this message because the matter concerns the institution that subscribed you.",
        "follows": "You receive this message because you follow {what}.",
        "everything": "You receive this message because you follow the news of Interurbe.",
        "partners": "{names}",
        "networks": "the network {names}",
        "agreements": "the agreement {names}",
        "lines": "the line “{names}”",
        "topics": "the topic “{names}”",
    },
}


def label(labels: Labels, key: str, language: str) -> str:
    """The word for ``key`` in ``language``, or the key itself made readable."""
    return labels[language].get(key) or key.replace("_", " ")
