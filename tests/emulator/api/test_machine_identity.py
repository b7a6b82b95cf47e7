"""A machine's identity token, as the metadata server gives it to whatever runs on the machine."""

from typing import Any
from urllib.parse import quote

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.emulator.world import PROJECT, ZONE, World

ACCOUNT = [{"email": "workstations@pocket-project.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}]
PORTAL = "https://portal.example"


def ask(world: World, instance: str, query: str, **headers: str) -> httpx2.Response:
    path = f"/_emulator/machines/{instance}/computeMetadata/v1/instance/service-accounts/default/identity"
    return httpx2.get(f"{world.emulator.url}{path}?{query}", headers=headers or {"Metadata-Flavor": "Google"})


def claims(world: World, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(httpx2.get(f"{world.emulator.url}/oauth2/v3/certs").json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


def test_a_full_token_names_the_machine_by_what_no_other_one_ever_has(world: World) -> None:
    instance = world.instance(service_account=ACCOUNT)
    said = claims(world, ask(world, instance, f"audience={quote(PORTAL)}&format=full").text)
    assert (said["iss"], said["aud"], said["exp"] - said["iat"]) == (world.emulator.url, PORTAL, 3600)
    assert said["email"] == ACCOUNT[0]["email"]
    machine = said["google"]["compute_engine"]
    seen = world.rest(instance)
    assert (machine["project_id"], machine["zone"]) == (PROJECT, ZONE)
    assert (machine["instance_name"], machine["instance_id"]) == (seen["name"], seen["id"])

    world.delete("google_compute_instance", instance)
    world.instance(seen["name"], service_account=ACCOUNT)
    again = claims(world, ask(world, instance, f"audience={quote(PORTAL)}&format=full").text)
    assert again["google"]["compute_engine"]["instance_name"] == seen["name"]
    assert again["google"]["compute_engine"]["instance_id"] != seen["id"]


def test_a_standard_token_says_nothing_of_the_machine(world: World) -> None:
    said = claims(world, ask(world, world.instance(service_account=ACCOUNT), f"audience={quote(PORTAL)}").text)
    assert "google" not in said


def test_no_token_without_account_audience_or_header(world: World) -> None:
    instance = world.instance(service_account=ACCOUNT)
    assert ask(world, world.instance(), f"audience={quote(PORTAL)}&format=full").status_code == 404
    assert ask(world, instance, "format=full").status_code == 400
    assert ask(world, instance, f"audience={quote(PORTAL)}&format=full", Accept="*/*").status_code == 403
