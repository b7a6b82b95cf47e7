import pytest

from emulator.provider.errors import GoogleApiError, ProviderError
from emulator.provider.special import check_delete, check_update, is_abandoned, updates_existing

RUNNING = {"current_status": "RUNNING", "machine_type": "e2-small", "network_interface": [{"network": "default"}]}


@pytest.mark.parametrize("change", [{"machine_type": "e2-medium"}, {"network_interface": [{"network": "other"}]}])
def test_some_changes_need_leave_to_stop_the_machine(change: dict[str, object]) -> None:
    with pytest.raises(ProviderError, match="please set allow_stopping_for_update = true"):
        check_update("google_compute_instance", RUNNING, RUNNING | change)
    check_update("google_compute_instance", RUNNING, RUNNING | change | {"allow_stopping_for_update": True})
    check_update("google_compute_instance", RUNNING | {"current_status": "TERMINATED"}, RUNNING | change)


def test_other_changes_do_not() -> None:
    check_update("google_compute_instance", RUNNING, RUNNING | {"tags": ["ssh"]})
    check_update("google_compute_disk", {"machine_type": "a"}, {"machine_type": "b"})


@pytest.mark.parametrize("guard", [{"deletion_policy": "PREVENT"}, {"deletion_protection": True}])
def test_what_is_protected_is_not_destroyed(guard: dict[str, object]) -> None:
    with pytest.raises(ProviderError, match="cannot destroy google_compute_disk without setting"):
        check_delete("google_compute_disk", guard)


def test_databases_and_clusters_say_it_in_words_of_their_own() -> None:
    for resource_type in ("google_sql_database_instance", "google_container_cluster"):
        with pytest.raises(ProviderError, match="because deletion_protection is set to true"):
            check_delete(resource_type, {"deletion_protection": True})


def test_some_things_are_only_forgotten() -> None:
    assert is_abandoned("google_compute_disk", {"deletion_policy": "ABANDON"})
    assert is_abandoned("google_project_service", {"disable_on_destroy": False})
    assert not is_abandoned("google_project_service", {"disable_on_destroy": True})


def test_grants_may_be_made_twice() -> None:
    taken = GoogleApiError(409, "The resource 'it' already exists", "alreadyExists")
    assert updates_existing("google_project_iam_member", {}, taken)
    assert not updates_existing("google_service_account", {}, taken)


def test_a_connection_that_exists_takes_other_ranges_where_it_is_told_to() -> None:
    kind = "google_service_networking_connection"
    refused = GoogleApiError(400, "Cannot modify allocated ranges in CreateConnection.", "failedPrecondition")
    assert updates_existing(kind, {"update_on_creation_fail": True}, refused)
    assert not updates_existing(kind, {"update_on_creation_fail": None}, refused)
    assert not updates_existing(kind, {"update_on_creation_fail": True}, GoogleApiError(403, "No.", "forbidden"))
