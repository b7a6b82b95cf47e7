"""The container files and lock files. No container engine is needed: schema, linter and parsers read them."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from typer.main import get_command

from app.__main__ import cli
from app.config import PREFIX, Settings, load
from emulator.core.settings import read_settings
from emulator.server.environment import command_environment

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker")
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields} | {"DATABASE_URL"}
EMULATOR_SETTINGS = set(re.findall(r"\bEMULATOR_[A-Z_]+\b", (ROOT / "emulator" / "core" / "settings.py").read_text()))
# What Google's libraries and Terraform read themselves.
OTHERS = {
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "GOOGLE_OAUTH_ACCESS_TOKEN"),
    *("TF_CLI_CONFIG_FILE", "TF_DISABLE_PLUGIN_TLS"),
}
# What only docker-compose.yml reads; docs/containers.md says what for.
FOR_COMPOSE = {"IMAGE_TARGET", "POSTGRES_PASSWORD", "WEB_GOOGLE_CREDENTIALS", "WORKER_GOOGLE_CREDENTIALS"}
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt", "requirements-setup.txt")
ROOT_USERS = {"", "0", "root"}


def emulator_env() -> dict[str, str]:
    lines = (ROOT / "emulator.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, _, value in pairs}


def instructions(name: str) -> list[str]:
    return [step["value"] for step in dockerfile().structure if step["instruction"] == name]


def dockerfile() -> DockerfileParser:
    return DockerfileParser(path=str(ROOT / "Dockerfile"))


def stages() -> dict[str, list[dict[str, Any]]]:
    """Each stage's own instructions."""
    found: dict[str, list[dict[str, Any]]] = {}
    for step in dockerfile().structure:
        if step["instruction"] == "FROM":
            found[step["value"].split()[-1]] = []
        elif found:
            found[list(found)[-1]].append(step)
    return found


def test_compose_file_is_valid_for_the_compose_specification() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_dockerfile_passes_the_linter() -> None:
    linted = subprocess.run([BIN / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_images_are_built_in_stages_and_run_as_a_numbered_user() -> None:
    assert len(instructions("FROM")) > 2
    for image in ("portal", "trial"):
        users = [step["value"] for step in stages()[image] if step["instruction"] == "USER"]
        assert users, image
        assert users[-1].partition(":")[0] not in ROOT_USERS
        assert users[-1].partition(":")[0].isdecimal(), "Kubernetes can only tell that a number is not root"


def test_the_default_image_is_the_portal_without_the_emulator() -> None:
    assert list(stages())[-1] == "portal"
    with_emulator = [name for name, steps in stages().items() if any(copies(step, "emulator") for step in steps)]
    assert with_emulator == ["trial"]


def copies(step: dict[str, Any], source: str) -> bool:
    return step["instruction"] == "COPY" and source in step["value"].split()


def test_image_reports_its_health_by_healthz() -> None:
    assert any("http://127.0.0.1:8000/healthz" in check for check in instructions("HEALTHCHECK"))


def test_what_the_dockerfile_copies_exists_and_is_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for value in instructions("COPY"):
        if "--from=" in value:
            continue
        for source in value.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source in allowed, source


def test_dependencies_are_installed_by_hash_in_the_image() -> None:
    installs = [line for value in instructions("RUN") for line in value.split("&&") if "pip install" in line]
    from_locks = [line for line in installs if "--no-deps" not in line]
    assert from_locks
    assert all("--require-hashes" in line for line in from_locks)


@pytest.mark.parametrize("service", OURS)
def test_service_runs_a_command_that_there_is(service: str) -> None:
    program, command = SERVICES[service]["command"]
    assert program == "stationmaster"
    assert command in get_command(cli).commands  # type: ignore[attr-defined]  # a group


@pytest.mark.parametrize("service", [*OURS, "emulator"])
def test_environment_of_a_service_is_made_of_known_settings(service: str) -> None:
    known = SETTINGS | OTHERS | (EMULATOR_SETTINGS if service == "emulator" else set())
    assert set(SERVICES[service]["environment"]) - known == set()


def test_every_setting_can_be_given_to_a_container() -> None:
    # The rest are paths in the image, or where the web server listens in there.
    fixed = {"HOST", "PORT", "DATA_DIR", "DATABASE_URL", "CATALOG_FILE", "TERRAFORM", "TERRAFORM_DIR"}
    assert set(SERVICES["web"]["environment"]) >= SETTINGS - {PREFIX + name for name in fixed}


def test_required_settings_are_required_by_compose_with_a_sentence() -> None:
    required = {PREFIX + name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    required |= {PREFIX + "ENCRYPTION_KEYS", PREFIX + "PUBLIC_URL"}
    for name in required:
        assert re.fullmatch(rf"\$\{{{name}:\?.+\}}", SERVICES["web"]["environment"][name]), name


def test_what_compose_interpolates_is_documented() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    names = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert names - SETTINGS == FOR_COMPOSE
    guide = (ROOT / "docs" / "containers.md").read_text()
    assert [name for name in FOR_COMPOSE if f"`{name}`" not in guide] == []


def test_workers_can_be_scaled_and_end_at_leisure() -> None:
    worker = SERVICES["worker"]
    assert {"container_name", "ports"} & set(worker) == set()
    assert worker["stop_grace_period"].endswith("h")
    assert worker["init"] is True
    # Run folders are one container's own: see the file.
    assert [volume["target"] for volume in worker["volumes"]] == ["/run/google.json"]


def test_nothing_starts_before_the_database_has_this_releases_tables() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for service in ("web", "worker"):
        assert SERVICES[service]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_images_of_others_are_pinned_by_digest() -> None:
    stages_of_ours = set(stages())
    images = {value.split()[0] for value in instructions("FROM")} - stages_of_ours
    images |= {service["image"] for service in SERVICES.values() if "build" not in service}

    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image)] == []


def test_published_ports_are_of_this_host_alone() -> None:
    for service in SERVICES.values():
        assert [port for port in service.get("ports", []) if not port.startswith("127.")] == []


def test_emulated_machines_are_published_where_they_say_they_are() -> None:
    settings = read_settings({name: str(value or "") for name, value in SERVICES["emulator"]["environment"].items()})
    machines = [port for port in SERVICES["emulator"]["ports"] if port.startswith("127.77.0.")]
    assert machines == [
        f"127.77.0.{n}:{settings.ssh_port}:{settings.ssh_base_port + n}" for n in range(1, len(machines) + 1)
    ]


def test_emulator_env_says_what_the_emulator_would_tell_its_command() -> None:
    environment = SERVICES["emulator"]["environment"]
    settings = read_settings({name: str(value or "") for name, value in environment.items()} | emulator_env())
    told = command_environment(
        {},
        settings,
        url=settings.url,
        client=(settings.client_id, settings.client_secret),
        terraform_rc=Path("/opt/emulator/terraform.rc"),
    )
    given = emulator_env()
    assert {name: given.get(name) for name in told} == told


def test_emulator_env_holds_no_secret() -> None:
    given = emulator_env()
    assert base64.urlsafe_b64decode(given["STATIONMASTER_ENCRYPTION_KEYS"]) == b"not-secret-for-the-emulator-only"
    assert set(given) <= SETTINGS | OTHERS | FOR_COMPOSE


def test_the_portal_takes_the_settings_of_emulator_env(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in emulator_env().items():
        monkeypatch.setenv(name, value)
    assert load().public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("lock", LOCKS)
def test_python_locks_pin_every_package_by_hash_and_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"\S+==\S+ .*\n    --hash=sha256:[0-9a-f]{64}", package), package
    assert "://" not in text


def test_front_end_lock_pins_every_package_by_hash_and_names_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())
    assert [name for name, package in installed.items() if "resolved" in package] == []
