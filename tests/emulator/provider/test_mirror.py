import os
import subprocess
from pathlib import Path

from emulator.provider.facts_file import VERSIONS, Facts
from emulator.provider.mirror import write_mirror
from emulator.provider.schema import build_schema
from emulator.provider.schema_cache import schema_bytes


def launchers(directory: Path) -> list[Path]:
    return sorted((directory / "mirror").rglob("terraform-provider-google_v*"))


def test_each_version_has_a_launcher_and_a_stored_schema(tmp_path: Path) -> None:
    settings = write_mirror(tmp_path)
    assert str(tmp_path / "mirror") in settings.read_text()
    assert [path.name for path in launchers(tmp_path)] == [f"terraform-provider-google_v{name}" for name in VERSIONS]
    assert all(os.access(path, os.X_OK) for path in launchers(tmp_path))
    assert len(list((tmp_path / "schemas").iterdir())) == len(VERSIONS)


def test_writing_again_leaves_the_files_alone(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    before = [path.stat().st_ino for path in launchers(tmp_path)]
    write_mirror(tmp_path)
    assert [path.stat().st_ino for path in launchers(tmp_path)] == before


def test_the_stored_schema_is_the_facts_and_is_made_again_when_lost(tmp_path: Path) -> None:
    facts = Facts("8.7.0")
    built = build_schema(facts)
    assert schema_bytes(facts, tmp_path / "new") == built
    (stored,) = (tmp_path / "new").iterdir()
    assert stored.read_bytes() == built


def test_a_launcher_started_by_a_person_says_what_it_is(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    started = subprocess.run([launchers(tmp_path)[0]], env={}, cwd="/", capture_output=True, text=True, check=False)
    assert started.returncode == 1
    assert "Terraform starts it" in started.stderr
