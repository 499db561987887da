"""Pages: escaped, complete, in a language, and without anything from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from shared.pages import Pages, asset
from shared.pages.rendering import WORDS, coded


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    (tmp_path / "hello.html").write_text('{% extends "layout.html" %}{% block content %}<h1>{{ name }}</h1>{% endblock %}')
    return Pages(tmp_path)


def test_what_people_wrote_is_escaped(pages: Pages) -> None:
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in pages.text("hello.html", "en", name="<script>alert(1)</script>")


def test_a_value_that_is_missing_is_an_error_and_not_a_hole(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        pages.text("hello.html", "en")


def test_a_page_says_its_language_and_leads_to_its_content(pages: Pages) -> None:
    page = pages.page("hello.html", "es-CO", status=410, name="x")
    text = bytes(page.body).decode()
    assert (page.status_code, page.headers["content-language"]) == (410, "es-CO")
    assert '<html lang="es-CO">' in text
    assert WORDS["es"]["skip"] in text
    assert 'href="#content"' in text
    assert WORDS["en"]["footer"] in pages.text("hello.html", "ko", name="x")


def test_styles_have_addresses_that_change_with_their_content() -> None:
    assert asset("interurbe.css").startswith("/assets/")
    assert asset("interurbe.css").endswith("/interurbe.css")
    with pytest.raises(FileNotFoundError):
        asset("nothing.css")


def test_code_is_set_as_code_and_nothing_else_gets_through() -> None:
    assert coded("see ``ETag`` and `x`, not <b>") == "see <code>ETag</code> and <code>x</code>, not &lt;b&gt;"
