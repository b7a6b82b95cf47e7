from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from app.errors import UnavailableError
from app.infra.secrets import SecretGoneError, SecretStore
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.parts import make_settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("emulated-secrets")]
SECRET, VERSION = "google_secret_manager_secret", "google_secret_manager_secret_version"
NAME = "COMPUTE-STATIONMASTER-GRACE-BCDFGHJKMN-PRIVATE-KEY"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield emulator
    emulator.stop()


@pytest.fixture
async def store(emulator: EmulatorProcess) -> SecretStore:
    emulator.clear_faults()
    for secret in emulator.objects(SECRET):
        emulator.call("DELETE", f"/terraform/{SECRET}/{secret['id']}")
    return store_at(emulator.url)


def store_at(endpoint: str) -> SecretStore:
    return SecretStore(make_settings(google_project="pocket-project", secret_manager_endpoint=endpoint))


async def test_what_is_put_can_be_got_until_it_is_deleted(store: SecretStore, emulator: EmulatorProcess) -> None:
    await store.put(NAME, b"the payload")
    assert await store.get(NAME) == b"the payload"
    assert [secret["id"] for secret in emulator.objects(SECRET)] == [f"projects/pocket-project/secrets/{NAME}"]

    await store.delete(NAME)
    assert emulator.objects(SECRET) == emulator.objects(VERSION) == []
    with pytest.raises(SecretGoneError):
        await store.get(NAME)
    await store.delete(NAME)
    await store.close()


async def test_what_is_put_again_takes_the_place_of_the_first(store: SecretStore) -> None:
    await store.put(NAME, b"first")
    await store.put(NAME, b"second")

    assert await store.get(NAME) == b"second"


async def test_when_the_payload_cannot_be_kept_neither_is_the_secret(
    store: SecretStore, emulator: EmulatorProcess
) -> None:
    emulator.fault(op="create", type=VERSION, status=503)
    with pytest.raises(UnavailableError, match="is not responding"):
        await store.put(NAME, b"the payload")

    assert emulator.objects(SECRET) == []


async def test_a_version_destroyed_by_hand_is_gone(store: SecretStore, emulator: EmulatorProcess) -> None:
    await store.put(NAME, b"the payload")
    emulator.call("POST", f"/v1/projects/pocket-project/secrets/{NAME}/versions/1:destroy", {})

    with pytest.raises(SecretGoneError):
        await store.get(NAME)


async def test_a_refusal_says_that_the_admin_has_to_act(store: SecretStore, emulator: EmulatorProcess) -> None:
    emulator.fault(op="create", type=SECRET, status=403, message="Permission denied")
    with pytest.raises(UnavailableError, match="not allowed to use") as refused:
        await store.put(NAME, b"the payload")

    assert "admin" in (refused.value.hint or "")


async def test_nobody_answering_is_said() -> None:
    store = store_at("http://127.0.0.1:9")

    for call in (store.put(NAME, b"the payload"), store.get(NAME), store.delete(NAME)):
        with pytest.raises(UnavailableError, match="is not responding"):
            await call


async def test_credentials_are_not_looked_for_where_the_endpoint_is_plain_http(
    store: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")

    await store.put(NAME, b"the payload")


async def test_missing_credentials_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")

    with pytest.raises(UnavailableError, match="not allowed to use"):
        await store_at("").get(NAME)


async def test_no_payload_is_logged(
    store: SecretStore, emulator: EmulatorProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        await store.put(NAME, b"a-very-secret-payload")
        await store.get(NAME)
        emulator.fault(op="create", type=VERSION, status=503)
        with pytest.raises(UnavailableError) as failed:
            await store.put(NAME, b"a-very-secret-payload")
        await store.delete(NAME)

    assert "a-very-secret-payload" not in f"{logs}{caplog.text}{failed.value}"
    assert "YS12ZXJ5LXNlY3JldC1wYXlsb2Fk" not in f"{logs}{caplog.text}"
