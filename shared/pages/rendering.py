"""Jinja2 as pages need it: everything escaped, a missing value is an error, the layout at hand."""

import re
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from shared.pages.assets import asset

TEMPLATES: Final = Path(__file__).parent / "templates"

WORDS: Final = {
    "es": {"skip": "Ir al contenido", "footer": "Interurbe: el registro compartido de la cooperación entre ciudades."},
    "en": {"skip": "Skip to the content", "footer": "Interurbe: the shared record of cooperation between cities."},
}
"""What the layout itself says, by language."""


class Pages:
    """The pages of one room: its templates extend ``layout.html``."""

    def __init__(self, *folders: Path) -> None:
        """Find templates in ``folders`` first, then among the shared ones; nothing is read before it is rendered."""
        self._environment = Environment(
            loader=FileSystemLoader([*folders, TEMPLATES]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["asset"] = asset
        self._environment.filters["coded"] = coded

    def text(self, template: str, lang: str, **values: Any) -> str:
        """The HTML of ``template`` in ``lang`` (``lang`` and ``words`` are at hand in it besides ``values``)."""
        words = WORDS.get(lang.partition("-")[0], WORDS["en"])
        return self._environment.get_template(template).render(lang=lang, words=words, **values)

    def page(self, template: str, lang: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The response that shows ``template`` in ``lang``."""
        return HTMLResponse(self.text(template, lang, **values), status, {"Content-Language": lang})


def coded(text: str) -> Markup:
    """``text`` as HTML, what stands between backticks set as code."""
    return Markup(re.sub(r"`+([^`]+)`+", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just here
