"""`make test-mlflow`: the MLflow that the module installs, started by what the module ships, used by a member."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator_process import start_emulator
from tests.mlflow.cloud import PROJECT, Stack, postgresql
from tests.mlflow.machine import ADDRESS, PORT, TOKEN, MlflowMachine, empty

pytestmark = pytest.mark.mlflow

CACHE = Path(__file__).parents[2] / ".mlflow_cache"
# Each with what a shell or a settings file would take for its own.
SECRETS = {
    "admin_password": 'admin "$HOME" \\ secret',
    "member_password": "member `id` ${PATH} 'secret'",
    "flask_secret_key": "signs # forms = secretly",
    "sql_password": 'sql $1 "secret" \\n',
}
MEMBER = ("member", SECRETS["member_password"])
ADMIN = ("admin", SECRETS["admin_password"])
EXPERIMENTS = "api/2.0/mlflow/experiments/search?max_results=10"
LOG = """
import mlflow
mlflow.set_experiment("house-prices")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("depth", 7)
    mlflow.log_metric("rmse", 0.25)
    mlflow.log_text("bought in 1998", "notes/house.txt")
print(run.info.run_id)
"""
READ_BACK = """
import json, os, mlflow
run = mlflow.get_run(os.environ["RUN"])
text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/house.txt")
name = mlflow.get_experiment(run.info.experiment_id).name
print(json.dumps([name, run.data.params, run.data.metrics, text]))
"""


class Setting:
    """The stack, and the machine that it made."""

    def __init__(self, stack: Stack, machine: MlflowMachine, database: str, folder: Path) -> None:
        self.stack = stack
        self.machine = machine
        # Here PostgreSQL has no TLS and no address of its own, and there is no bucket.
        self._differences = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_ARTIFACTS_DESTINATION": f"{folder}/bucket"}

    def bring_up(self, secrets: dict[str, str], secrets_version: int) -> None:
        attributes = self.stack.apply(secrets, secrets_version)
        since = time.monotonic()
        self.machine.boot(PROJECT, attributes)
        print(f"\nbooted in {time.monotonic() - since:.1f} s")
        since = time.monotonic()
        self.machine.start(**self._differences)
        print(f"MLflow answers after {time.monotonic() - since:.1f} s, with {self.machine.memory_mb()} MB of memory")


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("mlflow")
    emulator = start_emulator(folder)
    machine = MlflowMachine(CACHE, empty(folder / "machine"), f"{emulator.url}/v1")
    try:
        with postgresql(folder / "database", SECRETS["sql_password"]) as database:
            found = Setting(Stack(folder / "stack", emulator), machine, database, folder)
            try:
                found.bring_up(SECRETS, 1)
                yield found
            finally:
                machine.stop()
    finally:
        emulator.stop()


@pytest.fixture(scope="module")
def machine(setting: Setting) -> MlflowMachine:
    return setting.machine


def credentials(login: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), login, strict=True))


def test_start_up_script_installs_and_starts_the_service(machine: MlflowMachine) -> None:
    assert "MLflow is starting" in machine.booted
    assert "systemctl restart mlflow.service" in machine.calls()
    secrets = machine.root / "run/mlflow/secrets"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert secrets.parent.stat().st_mode & 0o777 == 0o700


def test_member_logs_an_experiment_and_reads_it_back(setting: Setting) -> None:
    machine = setting.machine
    run = logged(machine)
    read = machine.run_python(READ_BACK, RUN=run, **credentials(MEMBER)).splitlines()[-1]
    assert json.loads(read) == ["house-prices", {"depth": "7"}, {"rmse": 0.25}, "bought in 1998"]


@pytest.mark.parametrize(
    "login",
    [None, ("member", "wrong"), ("admin", "password1234"), ("nobody", MEMBER[1]), ("member", ""), ("admin", MEMBER[1])],
)
def test_nobody_comes_in_without_the_right_password(machine: MlflowMachine, login: tuple[str, str] | None) -> None:
    status, answer = machine.call(EXPERIMENTS, login)
    assert status == 401
    assert "experiments" not in answer.replace(EXPERIMENTS, "")


def test_admin_manages_accounts_and_member_does_not(machine: MlflowMachine) -> None:
    spec = {"username": "mallory", "password": "a password of hers"}
    assert machine.call("api/2.0/mlflow/users/create", MEMBER, spec)[0] == 403
    assert machine.call("api/2.0/mlflow/users/get?username=mallory", ADMIN)[0] == 404
    assert machine.call("api/2.0/mlflow/users/get?username=member", ADMIN)[0] == 200


def test_server_answers_to_its_own_names_and_takes_changes_from_its_own_pages(machine: MlflowMachine) -> None:
    assert machine.call(EXPERIMENTS, MEMBER, Host=f"localhost:{PORT}")[0] == 200
    assert machine.call(EXPERIMENTS, MEMBER, Host="rebound.example:5000")[0] == 403
    search = "api/2.0/mlflow/experiments/search"
    assert machine.call(search, MEMBER, {"max_results": 5}, Origin=f"http://{ADDRESS}:{PORT}")[0] == 200
    assert machine.call(search, MEMBER, {"max_results": 5}, Origin="http://evil.example")[0] == 403


def test_secrets_are_in_no_argument_log_settings_or_state(setting: Setting) -> None:
    machine = setting.machine
    seen = {
        "arguments": machine.arguments(),
        "server's log": machine.log.read_text(),
        "boot's log": machine.booted,
        "settings": (machine.root / "etc/mlflow/settings").read_text(),
        "state": setting.stack.state(),
        "configuration": (machine.folder / "state/auth.ini").read_text(),
    }
    assert "mlflow.server.auth" in seen["arguments"]
    for secret in (*SECRETS.values(), TOKEN):
        assert [place for place, text in seen.items() if secret in text or json.dumps(secret)[1:-1] in text] == []


# Last, because it changes what the others log in with.
def test_new_passwords_count_from_the_next_boot_and_experiments_stay(setting: Setting) -> None:
    changed = {**SECRETS, "admin_password": "another for the admin", "member_password": "another for members"}
    setting.machine.stop()
    setting.bring_up(changed, 2)
    for name in ("admin", "member"):
        assert setting.machine.call(EXPERIMENTS, (name, SECRETS[f"{name}_password"]))[0] == 401
        status, answer = setting.machine.call(EXPERIMENTS, (name, changed[f"{name}_password"]))
        assert (status, "house-prices" in answer) == (200, True)


def logged(machine: MlflowMachine) -> str:
    """The id of a run that was just logged: the client also prints where to look at it."""
    lines = machine.run_python(LOG, **credentials(MEMBER)).split()
    return next(line for line in reversed(lines) if len(line) == 32 and line.isalnum())
