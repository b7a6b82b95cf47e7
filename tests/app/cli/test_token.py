"""`stationmaster token`: made, listed and revoked by the operator."""

import pytest
from typer.testing import CliRunner

from app.__main__ import cli


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["token", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.usefixtures("portal")
def test_a_token_is_made_listed_and_revoked() -> None:
    plain = run("create", "grace@example.com", "--name", "CI", "--scope", "read", "--days", "7").strip()
    assert plain.startswith("stm_")
    heading, row = run("list", "grace@example.com").splitlines()
    assert heading.split() == ["ID", "BEGINS", "WITH", "SCOPE", "EXPIRES", "NAME"]
    token_id, hint, scope, _, name = row.split()
    assert (hint, scope, name) == (plain[:8], "read", "CI")
    run("revoke", "grace@example.com", token_id)
    assert len(run("list", "grace@example.com").splitlines()) == 1
