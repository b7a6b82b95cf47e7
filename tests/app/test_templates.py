"""What all templates keep to; djlint's rules are checked by tests.checks."""

import re
from pathlib import Path

import pytest

from app.web import HERE, create_templates
from tests.parts import make_settings

TEMPLATES = sorted((HERE / "templates").rglob("*.html"))


def name(template: Path) -> str:
    return str(template.relative_to(HERE / "templates"))


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_template_is_short_compiles_and_needs_no_inline_code(template: Path) -> None:
    text = template.read_text()

    assert text.count("\n") <= 100
    # The content security policy forbids them, so they would silently do nothing.
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|\|\s*safe\b", text)
    create_templates(make_settings()).get_template(name(template))


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_every_form_that_changes_something_is_a_real_form(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"hx-(post|put|patch|delete)", text), "a form works without JavaScript; htmx only refetches"


def test_only_files_of_the_portal_are_loaded() -> None:
    base = (HERE / "templates" / "base.html").read_text()

    assert not re.search(r'(src|href)="(https?:)?//', base)
