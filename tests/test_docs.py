"""The documentation says what is so: links lead somewhere, commands exist, generated pages are current."""

import json
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from emulator.cloud.faults import PRESETS
from emulator.cloud.outside import AT_ONCE

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "terraform").rglob("*.md")])
MOST_LINES_OF_AN_ADR = 50
MOST_BYTES_OF_A_PICTURE = 200_000


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_without_code(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As code hosts make them from headings."""
    headings = re.findall(r"^#+ (.+)$", text_without_code(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_of(page: Path) -> str:
    """Shell blocks, and what is marked as code in the text."""
    found = re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", page.read_text(), flags=re.DOTALL)
    return "\n".join(block or inline for block, inline in found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_without_code(page)):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"^ *make ([a-z][a-z-]*)", code_of(page), flags=re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_named_in_full_exist(page: Path) -> None:
    folders = "app|bench|docs|emulator|migrations|terraform|tests|tools"
    for named in re.findall(rf"`((?:{folders})/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / named).exists() or (page.parent / named).exists(), named


def test_settings_page_is_current() -> None:
    text = runpy.run_path(str(ROOT / "tools" / "settings_doc.py"))["text"]()
    assert (ROOT / "docs" / "settings.md").read_text() == text, "write it anew: python tools/settings_doc.py"


def test_every_dependency_is_explained_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    front_end = json.loads((ROOT / "package.json").read_text())
    desired = {re.split(r"[\[<>=!~;, ]", requirement)[0] for each in lists for requirement in each}
    desired |= {name for kind in ("dependencies", "devDependencies") for name in front_end.get(kind, {})}
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs" / "dependencies.md").read_text(), flags=re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert explained == desired


def test_every_setting_of_the_emulator_is_explained() -> None:
    settings = set(re.findall(r"\bEMULATOR_[A-Z_]+\b", (ROOT / "emulator" / "core" / "settings.py").read_text()))
    rows = re.findall(r"^\| `(EMULATOR_\w+)` \|", (ROOT / "docs" / "emulator.md").read_text(), flags=re.MULTILINE)
    assert set(rows) == settings


def test_every_preset_of_a_fault_is_explained() -> None:
    page = (ROOT / "docs" / "emulator.md").read_text()
    for preset in (*PRESETS, *AT_ONCE):
        assert re.search(rf"^\| (`[\w-]+`, )*`{preset}`[ ,]", page, flags=re.MULTILINE), preset


def test_decisions_are_short_and_weigh_alternatives() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(decision.name[:3]) for decision in decisions] == list(range(1, len(decisions) + 1))
    for decision in decisions:
        text = decision.read_text()
        assert len(text.splitlines()) <= MOST_LINES_OF_AN_ADR, decision.name
        headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Alternatives considered", "Consequences"], decision.name


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs").rglob("*.png"))
    assert pictures
    assert [picture.name for picture in pictures if picture.stat().st_size > MOST_BYTES_OF_A_PICTURE] == []
