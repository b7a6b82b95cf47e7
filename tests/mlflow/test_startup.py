"""What the machine does at boot, with MLflow installed already and answers of Google's from a stand-in."""

import json
import stat
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tests.mlflow.cloud import MODULES, PROJECT
from tests.mlflow.machine import MetadataServer, MlflowMachine, empty

SCRIPTS = (MODULES / "mlflow/startup.sh", MODULES / "mlflow/server/serve.sh")
REQUIREMENTS = "psycopg[binary]==3.3.9\n"
PASSWORD = 'a "$HOME" of `one` \\ word'
ATTRIBUTES = {
    "startup-script": SCRIPTS[0].read_text(),
    "mlflow-version": "3.17.2",
    "mlflow-requirements": REQUIREMENTS,
    "mlflow-settings": "MLFLOW_MEMBER_USERNAME=member\n",
    "mlflow-secrets": "MLFLOW_MEMBER_PASSWORD MLFLOW-POCKET-MEMBER-PASSWORD\nPGPASSWORD POSTGRESQL-PASSWORD\n",
    "mlflow-serve": "#!/bin/bash\n",
    "mlflow-accounts": "",
    "mlflow-unit": "[Service]\n",
}


class Google:
    """Secret Manager with these secrets, as far as a boot asks for them."""

    def __init__(self, **secrets: str) -> None:
        answers = {
            f"projects/{PROJECT}/secrets/{name.replace('_', '-')}/versions/latest:access": json.dumps(
                {"payload": {"data": b64encode(value.encode()).decode()}}
            )
            for name, value in secrets.items()
        }
        self.server = MetadataServer(PROJECT, {}, answers)


def machine_at(folder: Path, google: Google) -> MlflowMachine:
    made = MlflowMachine(folder / "root", empty(folder / "machine"), google.server.url)
    checksum = sha256(REQUIREMENTS.encode()).hexdigest()[:8]
    installed = made.root / f"opt/mlflow/3.17.2-{checksum}"
    installed.mkdir(parents=True)
    (installed / ".installed").touch()
    return made


def test_secrets_are_fetched_into_memory_and_read_back_as_they_were(tmp_path: Path) -> None:
    google = Google(MLFLOW_POCKET_MEMBER_PASSWORD=PASSWORD, POSTGRESQL_PASSWORD="plain")
    machine = machine_at(tmp_path, google)
    machine.boot(PROJECT, ATTRIBUTES)
    google.server.close()
    secrets = machine.root / "run/mlflow/secrets"
    read = subprocess.run(
        ["bash", "-c", f'. {secrets}; echo "$MLFLOW_MEMBER_PASSWORD|$PGPASSWORD"'], capture_output=True, text=True
    ).stdout
    assert read == f"{PASSWORD}|plain\n"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert PASSWORD not in machine.booted
    assert "systemctl restart mlflow.service" in machine.calls()


def test_settings_name_the_addresses_at_which_people_come(tmp_path: Path) -> None:
    google = Google(MLFLOW_POCKET_MEMBER_PASSWORD=PASSWORD, POSTGRESQL_PASSWORD="plain")
    machine = machine_at(tmp_path, google)
    machine.boot(PROJECT, ATTRIBUTES)
    google.server.close()
    settings = (machine.root / "etc/mlflow/settings").read_text()
    assert settings == "MLFLOW_MEMBER_USERNAME=member\nMLFLOW_PUBLIC_HOSTS=127.0.0.1,127.0.0.2,localhost\n"


def test_secret_that_cannot_be_read_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    google = Google(MLFLOW_POCKET_MEMBER_PASSWORD=PASSWORD)
    machine = machine_at(tmp_path, google)
    with pytest.raises(AssertionError) as failed:
        machine.boot(PROJECT, ATTRIBUTES)
    google.server.close()
    assert "ERROR: The secret POSTGRESQL-PASSWORD could not be read" in str(failed.value)
    assert "systemctl" not in machine.calls()
    assert not (machine.root / "run/mlflow/secrets").exists()


def test_metadata_that_is_missing_is_named(tmp_path: Path) -> None:
    machine = machine_at(tmp_path, Google())
    with pytest.raises(AssertionError, match="ERROR: The machine's metadata has no mlflow-unit"):
        machine.boot(PROJECT, {name: value for name, value in ATTRIBUTES.items() if name != "mlflow-unit"})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
