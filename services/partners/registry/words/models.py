"""Which words say little in a name: small ones of many languages, and what every institution of a kind is called."""

import re
from typing import Final

FILLERS: Final = frozenset(
    """
    a al and am an auf as av bei bi bin d da das de del dell della dem den der des di die dlya do dos du e el en et for fur gli het i il im
    in la las le les lo los na of og on op para per por pour s ta the to und untuk van vom von vor y z za zu zum zur
    """.split()  # noqa: SIM905 - a list literal would be ten times as long
)
"""Folded words that join others: ``Centro para la …``, ``City of …``. Folding has made ``для`` into ``dlya``."""

KIND_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "city": (
        "Alcaldía Mayor Municipal Municipalidad Municipio Ayuntamiento Intendencia Ciudad Distrito Distrital Capital Especial Gobierno",
        "Metropolitano Metropolitana City Town Hall Council Mayor's Office Municipality District Government Metropolitan Prefeitura",
        "Município Cidade Câmara Ville Mairie Commune Métropole Stadt Rathaus Landeshauptstadt Hansestadt Comune Città Gemeente",
        "Gran Greater DC DF",
        "місто міська рада виконавчий комітет город администрация Bandaraya Majlis Perbandaran Dewan si sicheong shi",
    ),
    "city_network": ("Asociación Red Organización Association Network Organisation Organization Associação Rede Verband Netzwerk мережа",),
    "tech_centre": (
        "Centro Centre Center Zentrum Centrum Pusat Центр C4IR GGTC Fourth Industrial Revolution Cuarta Revolución Industrial 4 IR",
        "Quarta Revolução Vierte Vierten Industrielle Industriellen четвертої промислової революції Keempat Revolusi Perindustrian",
        "Global Government Technology Technologies GovTech Tech Tecnología Tecnologías Gobierno Gubernamental Gubernamentales",
        "глобальний урядових урядові технологій технології",
    ),
    "company": ("Corporación Corporation Compañía Company Empresa SA SAS SL Ltd Limited Inc GmbH AG Ltda",),
    "ngo": ("Fundación Foundation Stiftung Fundação Fondation фонд Corporación",),
    "government": ("Gobierno Government Governo Regierung уряд Kerajaan",),
    "academia": ("Universidad University Universität Universidade Université Università університет Universiti",),
}
"""What institutions of a kind are called in any case, so that the rest of the name must tell them apart."""

COMMON_WORDS: Final = (
    "Ministerio Ministry Ministère Ministerium міністерство Kementerian Secretaría Secretariat Gobernación Department Departamento Agencia",
    "Agency Agentur агентство Oficina Office Dirección Instituto Institute Institut інститут Institución Institution Grupo Group Gruppe",
    "Consejo Board Comité Committee Programa Program Laboratorio Lab Laboratory Innovación Innovation Digital Technologies Cities",
    "Ciudades Cidades Städte Villes міст San Santa Santo Villa Puerto Nacional National International Internacional Regional Tecnológico",
)
"""Other words that very many names have, whatever the kind: to look for them first would find too many."""

CARDINALS: Final = {
    "fourth": "4", "cuarta": "4", "cuarto": "4", "quarta": "4", "quarto": "4", "vierte": "4", "vierten": "4", "четвертої": "4",
    "quatrieme": "4", "keempat": "4", "third": "3", "tercera": "3", "second": "2", "segunda": "2", "first": "1", "primera": "1",
}  # fmt: skip
"""Ordinals that an acronym writes as a digit: the Centre for the *Fourth* Industrial Revolution is C4IR."""

SAINTS: Final = frozenset("saint sainte sankt sant santa santo sao st sta ste sto".split())  # noqa: SIM905 - as above
"""Folded words that say of a place that it is called after a saint, and are written one for the other; all of them sound ``san``."""

LEGAL_FORMS: Final = frozenset("sa sas sl srl spa sac eirl ev".split())  # noqa: SIM905 - as above
"""What a company is in law, no part of what it is called: such letters stay apart, and say nothing."""

_JOINED: Final = re.compile("(특별자치시|특별시|광역시|시청|市政府|市役所|市)$|(특별자치시|특별시|광역시|시청|市政府|市役所|市)(?=\\s)")
_DOTTED: Final = re.compile(r"(?<!\w)(?:[^\W\d_]\. ?)+[^\W\d_](?!\w)\.?")
_SAINT: Final = re.compile(r"(?<!\w)[Ss]\. ?(?=[^\W\d_]{2})")


def spaced(text: str) -> str:
    """The text with a space before what Korean, Chinese and Japanese append to a city's name, and that in one form: ``서울 市``."""
    return _SAINT.sub("San ", _JOINED.sub(" si", text))


def undotted(text: str) -> str:
    """The text with every abbreviation written as one word: ``R.A.M.C.C.`` → ``RAMCC``."""
    return _DOTTED.sub(_joined, text)


def _joined(dotted: re.Match[str]) -> str:
    joined = re.sub("[. ]", "", dotted[0])
    return dotted[0] if joined.casefold() in LEGAL_FORMS else f"{joined} "
