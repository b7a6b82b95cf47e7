"""Who may come in, and who may see what: by page, API, stream and download."""

import re
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from app.db import libpq_url
from tests.e2e.conftest import Person
from tests.portal_process import ApiUser, PortalProcess


@pytest.fixture(scope="session")
def machine_of_grace(grace_api: ApiUser) -> dict[str, str]:
    made = grace_api.create("private-one")
    return dict(grace_api.wait(made["id"], "running"))


def test_eve_from_elsewhere_is_refused(person: Person) -> None:
    person.sign_in("Eve")
    expect(person.page.get_by_text(re.compile("elsewhere.test"))).to_be_visible()
    person.open("/")
    expect(person.page.get_by_role("link", name="Sign in with Google")).to_be_visible()


def paths_of(machine: dict[str, str]) -> list[str]:
    workstation, run = f"/workstations/{machine['id']}", f"/runs/{machine['run_id']}"
    pages = [workstation, f"{workstation}/destroy", f"{workstation}/events", run, f"{run}/events", f"{run}/log"]
    return [*pages, f"/api/v1{workstation}", f"/api/v1{run}", f"/api/v1{run}/log"]


def test_linus_can_neither_see_nor_touch_what_is_graces(
    machine_of_grace: dict[str, str], grace_api: ApiUser, linus_api: ApiUser
) -> None:
    for path in paths_of(machine_of_grace):
        assert linus_api.call("GET", path).status == 404, path
    changing = [
        ("DELETE", f"/api/v1/workstations/{machine_of_grace['id']}"),
        ("POST", f"/api/v1/runs/{machine_of_grace['run_id']}/cancel"),
        ("POST", f"/api/v1/runs/{machine_of_grace['run_id']}/retry"),
        ("POST", f"/workstations/{machine_of_grace['id']}/destroy"),
        ("POST", f"/runs/{machine_of_grace['run_id']}/cancel"),
    ]
    for method, path in changing:
        assert linus_api.call(method, path).status == 404, path
    assert "private-one" not in linus_api.call("GET", "/ssh_compute_config").text
    assert "private-one" not in linus_api.call("GET", "/api/v1/workstations").text
    assert grace_api.call("GET", f"/api/v1/workstations/{machine_of_grace['id']}").json["status"] == "running"


def test_nobody_sees_anything_without_signing_in(portal: PortalProcess, machine_of_grace: dict[str, str]) -> None:
    for path in paths_of(machine_of_grace):
        answer = portal.request("GET", path)
        assert answer.status in {303, 401}, path
        assert "private-one" not in answer.text


def test_a_forged_origin_is_refused(person: Person, machine_of_grace: dict[str, str]) -> None:
    person.sign_in("Grace Hopper")
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in person.context.cookies(person.portal.url))
    path = f"/workstations/{machine_of_grace['id']}/destroy"
    for forged in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        assert person.portal.request("POST", path, {}, Cookie=cookies, **forged).status == 403
    assert person.portal.cloud_objects("private-one")


def everything_in(database_url: str) -> bytes:
    """All rows of all tables, as Postgres writes them."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        dump = b""
        for (table,) in tables:
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                for row in copy:
                    # bytea is written in hexadecimal: both forms are searched.
                    dump += bytes(row) + bytes.fromhex(b"".join(re.findall(rb"\\\\x([0-9a-f]+)", bytes(row))).decode())
    return dump


def test_a_dump_of_the_database_holds_no_private_key_and_no_state(
    portal: PortalProcess, grace_api: ApiUser, machine_of_grace: dict[str, str]
) -> None:
    dump = everything_in(portal.up["DATABASE_URL"])
    assert machine_of_grace["id"].encode() in dump
    assert b"state_versions" not in dump
    assert b"PRIVATE KEY" not in dump
    assert b'"lineage"' not in dump
    assert b'"terraform_version"' not in dump
    assert grace_api.token.encode() not in dump


def test_neither_the_portals_log_nor_a_runs_log_holds_a_secret(
    portal: PortalProcess, grace_api: ApiUser, machine_of_grace: dict[str, str]
) -> None:
    logs = (
        Path(portal.log_file).read_text() + grace_api.call("GET", f"/api/v1/runs/{machine_of_grace['run_id']}/log").text
    )
    secrets = [
        portal.up["STATIONMASTER_OIDC_CLIENT_SECRET"],
        portal.up["STATIONMASTER_ENCRYPTION_KEYS"],
        grace_api.token,
    ]
    for secret in [*secrets, "PRIVATE KEY", "emulated-access-token"]:
        assert secret not in logs
