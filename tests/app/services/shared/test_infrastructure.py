"""What is shared, as a member sees it: each part when it is there, with lines that work."""

import shlex

import pytest

from app.models import Member, Role, SharedStack
from app.services.shared import infrastructure
from app.services.shared.infrastructure_parts import Part, Reader
from tests.app.services.shared.infrastructure_samples import (
    ACCOUNT,
    ADA,
    AROUND,
    EVERYTHING,
    GRACE,
    NOTHING,
    OF_PART,
    PROJECT,
    STORAGE,
    WRITER,
    outputs,
)
from tests.parts import make_settings

SETTINGS = make_settings(google_project=PROJECT, default_zone="europe-west1-b")
ELSEWHERE = make_settings(mlflow_url="https://mlflow.example.com")


def parts(found: dict[str, object], who: Reader = GRACE) -> dict[str, Part]:
    return {part.key: part for part in infrastructure.parts(found, who, AROUND, SETTINGS)}


def lines(part: Part) -> str:
    return "\n".join(snippet.text for snippet in part.snippets)


def facts(part: Part) -> dict[str, str]:
    return {fact.name: fact.value for fact in part.facts}


@pytest.mark.parametrize("key", OF_PART)
def test_a_part_is_shown_where_it_is_and_only_there(key: str) -> None:
    assert parts(outputs(key)).keys() == {key, "network", "gcloud"}
    without = outputs(*(other for other in OF_PART if other != key))
    assert parts(without).keys() == {*OF_PART, "network", "gcloud"} - {key}


def test_before_anything_is_shared_there_is_gcloud() -> None:
    assert parts({}).keys() == {"gcloud"}
    assert parts(NOTHING).keys() == {"network", "gcloud"}


@pytest.mark.parametrize("who", [GRACE, ADA])
def test_all_that_is_said_is_filled_in(who: Reader) -> None:
    for part in parts(EVERYTHING, who).values():
        told = f"{part} {lines(part)}"
        assert "None" not in told
        assert all(fact.label and fact.value for fact in part.facts)
        for snippet in part.snippets:
            assert snippet.text == snippet.text.strip()
            if snippet.title not in {"In Python", "uv"}:
                shlex.split(snippet.text, comments=True)


def test_python_lines_are_python() -> None:
    python = [each for part in parts(EVERYTHING).values() for each in part.snippets if each.title == "In Python"]
    assert len(python) == 2
    for snippet in python:
        compile(snippet.text, snippet.title, "exec")


def test_gcloud_is_set_as_the_seed_did_it() -> None:
    assert parts({})["gcloud"].snippets[0].text.splitlines()[:6] == [
        f"gcloud config configurations create {PROJECT}",
        f"gcloud config set project {PROJECT}",
        "gcloud config set account grace@example.com",
        "gcloud config set compute/region europe-west1",
        "gcloud config set compute/zone europe-west1-b",
        "gcloud auth login",
    ]


def test_a_configuration_is_not_named_after_the_domain_before_a_project() -> None:
    [part] = infrastructure.parts({}, GRACE, AROUND, make_settings(google_project="example.com:ml-team"))
    assert "configurations create ml-team\n" in lines(part)
    assert "set project example.com:ml-team\n" in lines(part)


@pytest.mark.parametrize(
    ("key", "desired"),
    [
        ("mlflow", "export MLFLOW_TRACKING_URI=http://203.0.113.9:5000\nexport MLFLOW_TRACKING_USERNAME=member\n"),
        ("mlflow", f"gcloud secrets versions access latest --secret=MLFLOW-MEMBER-PASSWORD-vision --project={PROJECT}"),
        ("docker", "gcloud auth configure-docker europe-west1-docker.pkg.dev\n"),
        ("docker", f"docker push europe-west1-docker.pkg.dev/{PROJECT}/container-registry-vision/my-image:1"),
        (
            "pypi",
            f"https://oauth2accesstoken:$TOKEN@europe-west1-python.pkg.dev/{PROJECT}/pypi-registry-vision/simple/",
        ),
        ("pypi", f'url = "https://europe-west1-python.pkg.dev/{PROJECT}/pypi-registry-vision/simple/"'),
        ("pypi", "poetry source add --priority=explicit team https://europe-west1-python.pkg.dev/"),
        ("storage", "gsutil ls gs://data-vision"),
        ("storage", f'storage.Client(project="{PROJECT}").bucket("data-vision")'),
        ("sql", 'psql "host=10.77.0.3 dbname=postgres user=mlflow sslmode=require"'),
        ("sql", "ssh -N -L 5432:10.77.0.3:5432 "),
        ("kubernetes", "gcloud container clusters get-credentials kubernetes-vision"),
        ("kubernetes", f"iam.gke.io/gcp-service-account=gke-pods-vision@{PROJECT}.iam.gserviceaccount.com"),
    ],
)
def test_lines_name_what_is_there(key: str, desired: str) -> None:
    assert desired in lines(parts(EVERYTHING)[key])


def test_facts_name_addresses_and_accounts() -> None:
    found = parts(EVERYTHING)
    assert facts(found["kubernetes"])["pods_ip_range"] == "10.20.0.0/16"
    assert facts(found["storage"])["workstation_service_account"] == ACCOUNT
    assert facts(found["storage"])["data_bucket_service_account"] == STORAGE
    network = facts(found["network"])
    assert network["ssh_allowed_ips"] == "Google's proxy (IAP), 198.51.100.0/24"
    assert (network["mlflow_allowed_ips"], network["workstations"]) == ("3 addresses allowed", "2 of 4 running")


@pytest.mark.parametrize(("key", "account"), [("docker", WRITER), ("pypi", WRITER), ("storage", STORAGE)])
def test_only_who_may_act_as_an_account_is_told_how(key: str, account: str) -> None:
    how = f"impersonate-service-account={account}"
    assert how in lines(parts(EVERYTHING, ADA)[key])
    assert how not in lines(parts(EVERYTHING, GRACE)[key])


def test_the_password_has_to_be_asked_for() -> None:
    assert "MLFLOW_TRACKING_PASSWORD=PASSWORD" in lines(parts(EVERYTHING)["mlflow"])


def member(email: str) -> Member:
    return Member(email=email, name=email, role=Role.MEMBER, account_name=f"{email.partition('@')[0]}-x")


@pytest.mark.parametrize(
    ("email", "may", "account"),
    [
        ("ada@example.com", True, ACCOUNT),
        ("grace@example.com", True, "ws-grace@x"),
        ("linus@example.com", False, ACCOUNT),
    ],
)
def test_a_viewer_is_what_the_stack_knows_of_them(email: str, may: bool, account: str) -> None:
    stack = SharedStack(outputs={**EVERYTHING, "member_service_account_emails": {"grace-x": "ws-grace@x"}})
    who = infrastructure.viewer(stack, member(email), SETTINGS)
    assert (who.may_impersonate, who.service_account) == (may, account)


def test_mlflow_is_the_shared_stacks_and_else_that_of_the_settings() -> None:
    shared, without = SharedStack(outputs=EVERYTHING), SharedStack(outputs=outputs("storage"))
    assert infrastructure.mlflow_url(shared, ELSEWHERE) == "http://203.0.113.9:5000"
    assert infrastructure.mlflow_url(without, ELSEWHERE) == "https://mlflow.example.com"
    assert infrastructure.mlflow_url(None, SETTINGS) == ""
    found = {part.key: part for part in infrastructure.parts(outputs("storage"), GRACE, AROUND, ELSEWHERE)}
    assert "export MLFLOW_TRACKING_URI=https://mlflow.example.com" in lines(found["mlflow"])
    assert "PASSWORD" not in lines(found["mlflow"])
