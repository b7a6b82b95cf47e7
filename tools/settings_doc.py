"""Write docs/settings.md anew from app/config.py: `python tools/settings_doc.py`."""

from pathlib import Path

from pydantic.fields import FieldInfo

from app.config import PREFIX, REPOSITORY, Settings

PAGE = REPOSITORY / "docs" / "settings.md"
HEAD = """\
# Settings

Environment variables, all read at the start. A missing or contradictory one stops the start with a sentence that names
it. Lists have commas between their entries. Written by `tools/settings_doc.py` from `app/config.py`; the emulator has
settings of its own, see [emulator.md](emulator.md).

| setting | default | meaning |
| --- | --- | --- |
"""
# These depend on the computer.
COMPUTED = {"runs_at_once": "twice the number of CPUs"}


def text() -> str:
    """The page as it should be."""
    return HEAD + "".join(row(name, field) for name, field in Settings.model_fields.items())


def row(name: str, field: FieldInfo) -> str:
    setting = f"`{PREFIX}{name.upper()}`"
    if name == "database_url":
        setting += " or `DATABASE_URL`"
    meaning = (field.description or "").replace("|", "\\|").replace("<", "\\<")
    return f"| {setting} | {default(name, field)} | {meaning} |\n"


def default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if name in COMPUTED:
        return COMPUTED[name]
    if isinstance(value, Path) and value.is_relative_to(REPOSITORY):
        value = value.relative_to(REPOSITORY)
    return f"`{value}`" if value not in ("", (), None) else ""


if __name__ == "__main__":
    PAGE.write_text(text())
