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


def test_the_operator_removes_lost_security_keys_and_stops_requiring_them(portal: str) -> None:
    CliRunner().invoke(cli, ["member", "set-role", "grace@example.com", "admin"])
    with psycopg.connect(libpq_url(portal)) as connection:
        connection.execute(
            "INSERT INTO security_keys (id, member_id, name, domain, credential_id, public_key, sign_count, transports,"
            " added_at) SELECT 'k1', id, 'lost', 'portal.test', '1', '2', 0, '[]', now() FROM members"
        )
    removed = CliRunner().invoke(cli, ["member", "remove-security-keys", "grace@example.com"])
    assert (removed.exit_code, removed.output) == (0, "Removed 1 security key of grace@example.com.\n")
    for word, said in (("yes", "required"), ("no", "not required")):
        switched = CliRunner().invoke(cli, ["member", "require-security-keys", word])
        assert (switched.exit_code, switched.output) == (0, f"Security keys are {said}.\n")
    with psycopg.connect(libpq_url(portal)) as connection:
        assert connection.execute("SELECT count(*) FROM security_keys").fetchall() == [(0,)]
        entries = connection.execute(
            "SELECT actor, action, thing_name FROM audit_entries WHERE action ~ 'security_key' ORDER BY number"
        ).fetchall()
    assert entries == [
        ("operator", "security_key.remove", "lost"),
        ("operator", "team.require_security_keys", "team"),
        ("operator", "team.stop_requiring_security_keys", "team"),
    ]
