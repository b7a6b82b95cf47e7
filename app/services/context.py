"""What services need in a transaction: the portal's parts, the time, and the actor."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.crypto import Vault
from app.infra.secrets import SecretStore
from app.models import Member
from app.services.catalog import Catalog


@dataclass(frozen=True)
class Context:
    """The context of one transaction, created by a request, a command or the worker."""

    session: AsyncSession
    settings: Settings
    catalog: Catalog
    """The machine types, images and disks that can be requested."""
    secrets: SecretStore
    vault: Vault
    now: datetime
    actor: Member | None = None
    """The member on whose behalf the services act; None for the portal itself and the operator."""

    @property
    def member(self) -> Member:
        """The actor, where there must be one. Raises LookupError if there is none."""
        if self.actor is None:
            raise LookupError("nobody asks for this")
        return self.actor

    def acting(self, actor: Member | None) -> Self:
        """The same transaction on behalf of another actor."""
        return replace(self, actor=actor)
