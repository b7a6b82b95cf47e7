"""What services work with: one transaction, the portal's parts, the time, and who asks."""

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
    """Made once for a transaction, at the edge: by a request, a command, or the worker."""

    session: AsyncSession
    settings: Settings
    catalog: Catalog
    """What can be asked for."""
    secrets: SecretStore
    vault: Vault
    now: datetime
    actor: Member | None = None
    """Who asks; None for the portal itself, and for the operator."""

    @property
    def member(self) -> Member:
        """Who asks, where it can only be a person; raises LookupError for the portal itself."""
        if self.actor is None:
            raise LookupError("nobody asks for this")
        return self.actor

    def acting(self, actor: Member | None) -> Self:
        """The same transaction, on behalf of somebody else."""
        return replace(self, actor=actor)
