"""The shared stack's settings: what fits, what is said of what does not, and the variables that follow."""

import pytest
from pydantic import ValidationError

from app.models import SharedStack
from app.services.shared import shared_settings
from app.services.shared.shared_settings import SharedSettings
from tests.parts import make_settings

BASE = {"prefix": "team", "zone": "europe-west4-a"}


def test_the_prefix_proposed_is_what_fits_of_the_projects_id() -> None:
    assert shared_settings.defaults(make_settings(google_project="ml-team")).prefix == "ml-team"
    assert shared_settings.defaults(make_settings(google_project="neurips-llm-eff-challenge-2023")).prefix == (
        "neurips-llm-eff-ch"
    )
    assert shared_settings.defaults(make_settings(google_project="x")).prefix == "shared"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("prefix", "Team", "lower-case letters"),
        ("prefix", "a-prefix-that-is-too-long", "2 to 18"),
        ("prefix", "team-", "lower-case letters"),
        ("ssh_allowed_ips", ["0.0.0.0/0"], "allows everyone"),
        ("ssh_allowed_ips", ["::/0"], "allows everyone"),
        ("ssh_allowed_ips", ["8.0.0.0/8"], "8.0.0.0/8 is too wide. Use /16 or narrower"),
        ("ssh_allowed_ips", ["2001:db8::/31"], "Use /32 or narrower"),
        ("ssh_allowed_ips", ["224.0.0.0/24"], "is a multicast range"),
        ("ssh_allowed_ips", ["203.0.113.7/24"], "Enter 203.0.113.7 for the address or 203.0.113.0/24 for the range"),
        ("ssh_allowed_ips", ["somewhere"], "is not an IP address"),
        ("sql_tier", "huge", "match"),
        ("iam_admin_role", "roles/viewer", "roles/owner"),
        ("deploy_everything", True, "not permitted"),
    ],
)
def test_what_does_not_fit_is_said(field: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SharedSettings.model_validate({**BASE, field: value})


def test_ranges_are_written_as_networks_in_order_and_once() -> None:
    ranges = ["203.0.113.0/24", " 203.0.113.0/24", "2001:db8::1"]
    chosen = SharedSettings.model_validate({**BASE, "ssh_allowed_ips": ranges})
    assert chosen.ssh_allowed_ips == ["2001:db8::1/128", "203.0.113.0/24"]


def test_what_an_earlier_release_stored_and_this_one_does_not_know_is_left_out() -> None:
    stack = SharedStack(id="s1", settings={**BASE, "deploy_sql": False, "deploy_fax": True})
    chosen = shared_settings.of(stack, make_settings())
    assert (chosen.prefix, chosen.deploy_sql, chosen.deploy_mlflow) == ("team", False, True)


def test_a_range_that_was_taken_before_the_rule_became_stricter_is_still_read() -> None:
    stack = SharedStack(id="s1", settings={**BASE, "ssh_allowed_ips": ["10.0.0.0/8"]})
    assert shared_settings.of(stack, make_settings()).ssh_allowed_ips == ["10.0.0.0/8"]


@pytest.mark.parametrize("own_accounts", [True, False])
def test_the_variables_name_members_only_where_each_gets_an_account(own_accounts: bool) -> None:
    chosen = SharedSettings.model_validate({**BASE, "member_service_accounts": own_accounts})
    stack = SharedStack(id="s1", secrets_version=3)
    admins, cidrs = ["user:b@x.com", "user:a@x.com"], ["2.0.0.0/32", "1.0.0.0/32"]
    inputs = shared_settings.terraform_inputs(chosen, stack, admins, cidrs, {"grace": "g@x.com"}, make_settings())
    assert inputs["members"] == ({"grace": "user:g@x.com"} if own_accounts else {})
    assert inputs["iam_admins"] == ["user:a@x.com", "user:b@x.com"]
    assert inputs["mlflow_allowed_ips"] == ["1.0.0.0/32", "2.0.0.0/32"]
    assert (inputs["region"], inputs["stack_id"], inputs["secrets_version"]) == ("europe-west4", "s1", 3)
    assert not {name for name in inputs if "password" in name or name.endswith("_key")}
