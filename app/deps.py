"""What routers ask for: the process's parts, a transaction, who is asking, and the thing they may touch."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.live import Hub


@dataclass(frozen=True)
class Portal:
    """The parts of one web process, made in main.create_app."""

    settings: Settings
    database: Database
    hub: Hub
    vault: Vault
    clock: Clock


def get_portal(request: Request) -> Portal:
    """The parts of this process."""
    return cast("Portal", request.app.state.portal)


PortalDep = Annotated[Portal, Depends(get_portal)]


async def get_session(portal: PortalDep) -> AsyncIterator[AsyncSession]:
    """One request is one transaction: committed before the response is sent, rolled back by any error."""
    async with portal.database.sessions.begin() as session:
        yield session


# scope="function": by default FastAPI ends a dependency after the response, and a redirect could outrun its own commit.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
