"""The words of a message: a folder of three templates per message and language, rendered once however many read it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import css_inline
import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from markupsafe import Markup

from services.notifications.alerts.phrases import one_line
from services.notifications.alerts.wording import LONGEST_SUBJECT, said
from services.notifications.mail.letters import SLOTS, Words, slot, unmarked
from services.notifications.messages.models import CONFIRMATION
from shared.events import EVENTS, Visibility

HERE: Final = Path(__file__).parent
FOLDERS: Final = (HERE / "templates", HERE.parent / "alerts" / "templates", HERE.parent / "subscribers" / "templates")

WORDS: Final[dict[str, dict[str, str]]] = {
    "es": {
        "preferences": "Preferencias",
        "unsubscribe": "Darse de baja",
        "who": "Interurbe: el registro compartido de la cooperación entre ciudades.",
        "place": "Lugar",
        "modality": "Modalidad",
        "link": "Enlace",
        "languages": "Idiomas",
        "hosts": "Anfitriones",
        "participants": "Participantes",
        "agreement": "Acuerdo",
        "line": "Línea de cooperación",
    },
    "en": {
        "preferences": "Preferences",
        "unsubscribe": "Unsubscribe",
        "who": "Interurbe: the shared record of cooperation between cities.",
        "place": "Place",
        "modality": "Modality",
        "link": "Link",
        "languages": "Languages",
        "hosts": "Hosts",
        "participants": "Participants",
        "agreement": "Agreement",
        "line": "Line of cooperation",
    },
}
"""What the layouts and the shared parts of templates say themselves."""

_TAGS: Final = {"h1", "h2", "p", "strong", "em", "ul", "ol", "li", "dl", "dt", "dd", "a", "br", "pre", "code"}
_ATTRIBUTES: Final = {"a": {"href", "class"}}
_MARKED: Final = "https://slot.invalid/"


class Templates:
    """Renders notices and confirmations; templates are read when first used and kept."""

    def __init__(self, initiatives_url: str, partners_url: str) -> None:
        self._initiatives_url, self._partners_url = initiatives_url, partners_url
        self._environment = Environment(
            loader=FileSystemLoader(FOLDERS),
            autoescape=select_autoescape(("html",), default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            keep_trailing_newline=False,
        )
        self._environment.filters["sanitised"] = _sanitised

    def notice(self, notice: Mapping[str, Any], language: str) -> Words:
        """The words of a notice (its ``type``, ``template``, ``data``, ``names``, ``visibility``, ``timezone``) in one language."""
        fact = EVENTS[notice["type"]].model_validate(notice["data"])
        values = said(fact, notice["names"], language, notice["timezone"] or "UTC") | {"partners_url": self._partners_url}
        if "id" in values:
            values["calendar"] = self._calendar(values["id"], notice["visibility"])
        return self._words(notice["template"], language, values)

    def confirmation(self, language: str) -> Words:
        """The words of the mail that asks an address to confirm, the same for everybody."""
        return self._words(CONFIRMATION, language, {})

    def _calendar(self, exchange: str, visibility: str) -> str | None:
        """A link that anybody can follow, so only for what everybody may know."""
        return f"{self._initiatives_url}/v1/exchanges/{exchange}/calendar.ics" if visibility == Visibility.PUBLIC else None

    def _words(self, template: str, language: str, values: Mapping[str, Any]) -> Words:
        clean = _clean(values)
        given = {**clean, "fact": clean, "language": language, "words": WORDS[language]}
        subject = _shortened(one_line(self._rendered(template, language, "subject.txt", given)))
        given["subject"] = subject
        text = self._rendered(template, language, "body.txt", {**given, "slots": {name: slot(name) for name in SLOTS}})
        html = self._rendered(template, language, "body.html", {**given, "slots": {name: _MARKED + name for name in SLOTS}})
        inlined = css_inline.inline(html, keep_style_tags=False, load_remote_stylesheets=False)
        return Words(template, language, subject, _tidy(text), re.sub(f"{_MARKED}([a-z]+)", lambda found: slot(found[1]), inlined))

    def _rendered(self, template: str, language: str, name: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(f"{template}/{language}/{name}").render(values)


@pass_eval_context
def _sanitised(_context: EvalContext, html: str) -> Markup:
    """What a partner wrote cannot become more than text and links to web pages, even where a template forgot to escape it."""
    return Markup(nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None))  # noqa: S704 - just cleaned


def _clean(value: Any) -> Any:
    """The same without the characters that make marks, wherever they stand."""
    if isinstance(value, str):
        return unmarked(value).replace(_MARKED, "")
    if isinstance(value, Mapping):
        return {name: _clean(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SUBJECT else text[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at the beginning."""
    return re.sub(r"\n{3,}", "\n\n", text).lstrip("\n") + "\n"
