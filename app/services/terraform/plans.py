"""Stored plans: Terraform's encrypted file as long as it may be applied, and the readable form."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.models import Plan


async def keep(
    session: AsyncSession, vault: Vault, run_id: str, view: dict[str, Any], now: datetime, file: bytes | None = None
) -> None:
    """Store the newest plan of a run: its view and, if it may be applied later, Terraform's file."""
    values = {"view": view, "sealed": vault.seal(file) if file is not None else None, "created_at": now}
    kept = insert(Plan).values(run_id=run_id, **values)
    await session.execute(kept.on_conflict_do_update(index_elements=["run_id"], set_=values))


async def file_of(session: AsyncSession, vault: Vault, run_id: str) -> bytes | None:
    """Terraform's plan file, as long as it may be applied."""
    sealed = await session.scalar(select(Plan.sealed).where(Plan.run_id == run_id))
    return vault.open(sealed) if sealed is not None else None


async def view_of(session: AsyncSession, run_id: str) -> dict[str, Any] | None:
    """The view of the plan (plan_view.py); None if there was no plan."""
    view: dict[str, Any] | None = await session.scalar(select(Plan.view).where(Plan.run_id == run_id))
    return view


async def forget(session: AsyncSession, run_id: str) -> None:
    """Delete the plan file, because it will not be applied. The view is kept."""
    await session.execute(update(Plan).where(Plan.run_id == run_id).values(sealed=None))
