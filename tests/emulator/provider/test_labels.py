from emulator.provider.config import ProviderConfig
from emulator.provider.labels import plan_labels, read_labels
from emulator.provider.values import UNKNOWN, State

OURS = {"goog-terraform-provisioned": "true"}
NOTHING: State = {"labels": None, "terraform_labels": UNKNOWN, "effective_labels": UNKNOWN}


def test_labels_are_known_when_planning() -> None:
    planned = NOTHING | {"labels": {"owner": "ada"}}
    plan_labels(planned, None, ProviderConfig(default_labels={"team": "ml"}))
    assert planned["effective_labels"] == planned["terraform_labels"] == OURS | {"owner": "ada", "team": "ml"}


def test_the_attribution_can_be_left_out() -> None:
    planned = dict(NOTHING)
    plan_labels(planned, None, ProviderConfig(attribution=False))
    assert planned["effective_labels"] == {}


def test_an_unknown_label_makes_all_unknown() -> None:
    planned = NOTHING | {"labels": {"owner": UNKNOWN}}
    plan_labels(planned, None, ProviderConfig())
    assert planned["effective_labels"] is UNKNOWN
    assert planned["terraform_labels"] is UNKNOWN


def test_labels_of_others_stay_and_removed_ones_of_ours_go() -> None:
    prior = {
        "labels": {"owner": "ada"},
        "terraform_labels": OURS | {"owner": "ada"},
        "effective_labels": OURS | {"owner": "ada", "cost": "7"},
    }
    planned = prior | {"labels": {"team": "ml"}}
    plan_labels(planned, prior, ProviderConfig())
    assert planned["effective_labels"] == OURS | {"team": "ml", "cost": "7"}


def test_annotations_and_a_clusters_labels_follow_the_same_rule() -> None:
    planned: State = {"annotations": {"a": "1"}, "effective_annotations": UNKNOWN}
    plan_labels(planned, None, ProviderConfig())
    assert planned["effective_annotations"] == {"a": "1"}
    cluster: State = {"resource_labels": {"a": "1"}, "terraform_labels": UNKNOWN, "effective_labels": UNKNOWN}
    plan_labels(cluster, None, ProviderConfig())
    assert cluster["effective_labels"] == OURS | {"a": "1"}


def test_reading_shows_only_labels_that_the_state_is_about() -> None:
    found: State = {
        "labels": {"x": "y"},
        "terraform_labels": {},
        "effective_labels": OURS | {"owner": "eve", "cost": "7"},
    }
    read_labels(found, {"labels": {"owner": "ada"}, "terraform_labels": OURS | {"owner": "ada"}})
    assert found["labels"] == {"owner": "eve"}
    assert found["terraform_labels"] == OURS | {"owner": "eve"}


def test_an_import_reads_no_labels() -> None:
    found: State = {"labels": {"x": "y"}, "terraform_labels": {}, "effective_labels": {"x": "y"}}
    read_labels(found, {"labels": None, "terraform_labels": None})
    assert found == {"labels": None, "terraform_labels": None, "effective_labels": {"x": "y"}}
