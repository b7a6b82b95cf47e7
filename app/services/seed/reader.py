"""Reads the variables of the seed's terraform.tfvars, and checks their types. Each has its line number for messages."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.errors import InvalidError
from app.services.people import principals
from app.services.seed.tfvars import Located, Problem

T = TypeVar("T")
_MACHINE = ("machine_type", "guest_accelerator", "ssh_username", "boot_disk_image", "boot_disk_snapshot", "zone")


@dataclass(frozen=True)
class SeedMachine:
    """A machine in a user's list."""

    line: int
    machine_type: str
    guest_accelerator: str | None = None
    ssh_username: str | None = None
    boot_disk_image: str | None = None
    boot_disk_snapshot: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class SeedUser:
    """A key of `users`."""

    name: str
    line: int
    machines: tuple[SeedMachine, ...]


@dataclass
class Seed:
    """All variables. Those that are not in the file are None or empty."""

    file: str
    users: list[SeedUser] = field(default_factory=list)
    admins: list[tuple[str, int]] = field(default_factory=list)
    mlflow_whitelist_ips: list[tuple[str, int]] = field(default_factory=list)
    gcp_project: str | None = None
    gcp_project_id: str | None = None
    gcp_region: str | None = None
    gcp_zone: str | None = None
    prefix: str | None = None
    sql_user: str | None = None
    compute_persistent_disk_size_gb: int | None = None
    compute_persistent_disk_type: str | None = None
    deploy_cpu_compute: bool | None = None
    deploy_gpu_compute: bool | None = None
    lines: dict[str, int] = field(default_factory=dict)
    """Variable → line number."""
    ignored: list[str] = field(default_factory=list)
    """Notes about variables that the seed does not have."""

    @property
    def project(self) -> str | None:
        """The ID of the Google Cloud project."""
        return self.gcp_project_id or self.gcp_project


class SeedReader:
    """Reads variables, and collects errors in `problems`."""

    def __init__(self, file: str) -> None:
        self.seed = Seed(file)
        self.problems: list[Problem] = []

    def read(self, variables: dict[str, Located]) -> Seed:
        """The seed's variables. They are incomplete if there are errors in `problems`."""
        seed = self.seed
        seed.lines = {name: value.line for name, value in variables.items()}
        takers: dict[str, Callable[[str, Located], object]] = {
            "users": self._users,
            "admins": self._admins,
            "mlflow_whitelist_ips": self._texts,
            "compute_persistent_disk_size_gb": self._number,
            "deploy_cpu_compute": self._switch,
            "deploy_gpu_compute": self._switch,
        }
        for name, value in variables.items():
            if name not in Seed.__dataclass_fields__ or name in {"file", "lines", "ignored"}:
                seed.ignored.append(f"Line {value.line}: {name} is not a variable of the seed, and is ignored.")
            else:
                setattr(seed, name, takers.get(name, self._text)(name, value))
        return seed

    def _wrong(self, line: int, text: str) -> None:
        self.problems.append(Problem(self.seed.file, line, text))

    def _text(self, name: str, value: Located) -> str | None:
        # Terraform treats null as an omitted variable.
        if value.value is None or isinstance(value.value, str):
            return (value.value or "").strip() or None
        self._wrong(value.line, f"{name} must be a string in quotes.")
        return None

    def _number(self, name: str, value: Located) -> int | None:
        # Terraform accepts a number in quotes as well.
        text = str(value.value).strip()
        if not isinstance(value.value, list | dict | bool) and re.fullmatch(r"[0-9]{1,9}", text):
            return int(text)
        self._wrong(value.line, f"{name} must be a whole number.")
        return None

    def _switch(self, name: str, value: Located) -> bool | None:
        text = str(value.value).lower()
        if not isinstance(value.value, list | dict) and text in {"true", "false", "none"}:
            return {"true": True, "false": False}.get(text)
        self._wrong(value.line, f"{name} must be true or false.")
        return None

    def _texts(self, name: str, value: Located) -> list[tuple[str, int]]:
        if not isinstance(value.value, list):
            self._wrong(value.line, f'{name} must be a list, such as ["…", "…"].')
            return []
        found = [(self._text(f"Each of {name}", each), each.line) for each in value.value]
        return [(text, line) for text, line in found if text]

    def _admins(self, name: str, value: Located) -> list[tuple[str, int]]:
        found = []
        for text, line in self._texts(name, value):
            try:
                found.append((str(principals.parse(text)), line))
            except InvalidError as error:
                self._wrong(line, f"{text}: {error.fields['principal']}")
        return found

    def _users(self, _: str, value: Located) -> list[SeedUser]:
        if not isinstance(value.value, dict):
            self._wrong(value.line, "users must be an object: a list of machines for each name.")
            return []
        return [self._user(name, entry) for name, entry in value.value.items()]

    def _user(self, name: str, value: Located) -> SeedUser:
        if not isinstance(value.value, list):
            self._wrong(value.line, f"users.{name} must be a list of machines.")
            return SeedUser(name, value.line, ())
        machines = [self._machine(f"users.{name}[{index}]", entry) for index, entry in enumerate(value.value)]
        return SeedUser(name, value.line, tuple(machine for machine in machines if machine))

    def _machine(self, where: str, value: Located) -> SeedMachine | None:
        if not isinstance(value.value, dict):
            self._wrong(value.line, f"{where} must be an object with machine_type and guest_accelerator.")
            return None
        texts: dict[str, Any] = {}
        for name, each in value.value.items():
            if name in _MACHINE:
                texts[name] = self._text(f"{where}.{name}", each)
            else:
                self.seed.ignored.append(f"Line {each.line}: {name} is not a setting of a machine, and is ignored.")
        if not texts.get("machine_type"):
            if "machine_type" not in value.value or value.value["machine_type"].value in (None, ""):
                self._wrong(value.line, f"{where} has no machine_type.")
            return None
        return SeedMachine(line=value.line, **texts)
