"""`stationmaster member`: a way back when no admin can sign in."""

import psycopg
from typer.testing import CliRunner

from app.__main__ import cli
from app.db import libpq_url


def test_an_admin_is_made_and_the_audit_says_by_whom(portal: str) -> None:
    made = CliRunner().invoke(cli, ["member", "set-role", "grace@example.com", "admin"])
    assert (made.exit_code, made.output) == (0, "grace@example.com is an admin.\n")
    with psycopg.connect(libpq_url(portal)) as connection:
        [entry] = connection.execute(
            "SELECT actor, origin, after FROM audit_entries WHERE action = 'member.change'"
        ).fetchall()
    assert entry == ("operator", "command line", {"role": "admin"})


def test_a_role_that_there_is_not_is_refused(portal: str) -> None:
    refused = CliRunner().invoke(cli, ["member", "set-role", "grace@example.com", "owner"])
    assert refused.exit_code == 2
    assert "admin" in refused.output
