"""`stationmaster doctor`: what is missing, and the command that fixes it."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from app import clock, config, db, logs
from app.config import Settings
from app.errors import ConfigurationError

if TYPE_CHECKING:
    from app.services.doctor.checks import Check
    from app.worker.roots import Roots

COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}
INDENT = " " * 10


def doctor() -> None:
    """Check the Google project, Terraform, the database, the settings and what runs; say what to do."""
    from app.services.doctor.checks import Check, Verdict, worst

    config.use_recorded()
    try:
        settings = config.load()
    except ConfigurationError as error:
        why = "Nothing else can be checked without the settings. See docs/settings.md."
        checks = [Check("Settings", Verdict.MISSING, str(error), why)]
    else:
        logs.configure(settings.log_format)
        checks = asyncio.run(_examine(settings))
    show(checks)
    if worst(checks) is Verdict.MISSING:
        raise typer.Exit(1)


async def _examine(settings: Settings) -> "list[Check]":
    from app.infra.google import Compute
    from app.services import doctor as rules
    from app.services.doctor import operations
    from app.worker.examine import Examination
    from app.worker.roots import Roots

    database = db.connect(settings.database_url, pool_size=2) if settings.database_url else None

    def roots() -> "Roots":
        if database is None:
            raise ConfigurationError("There is no database for the provider's lock file.")
        return Roots(settings, database, clock.utc_now)

    try:
        findings = await Examination(settings, database, roots, Compute(settings)).findings()
        checks = rules.check(findings)
        if database and findings.database.is_migrated:
            async with database.sessions() as session:
                checks = [*await operations.check(session, clock.utc_now()), *checks]
        return checks
    finally:
        if database:
            await database.close()


def show(checks: "Iterable[Check]") -> None:
    """Print one check per line. Problems are followed by the reason why it matters and the commands that fix it."""
    checks = list(checks)
    width = max(len(check.name) for check in checks)
    for check in checks:
        verdict = typer.style(f"{check.verdict.value:8}", fg=COLOURS[check.verdict.value])
        typer.echo(f"{verdict}  {check.name:{width}}  {check.found}")
        if not check.is_ok:
            typer.echo(INDENT + check.why)
        for command in check.commands:
            typer.echo(f"{INDENT}  {command}")
    counts = [(verdict, sum(check.verdict.value == verdict for check in checks)) for verdict in COLOURS]
    typer.echo("\n" + ", ".join(f"{number} {verdict}" for verdict, number in counts) + ".")
