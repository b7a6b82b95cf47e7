"""The audit log: services record decisions, admins read them."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic.config import JsonDict
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.db import Database
from app.models import Action, AuditEntry, Run
from app.models.audit_entry import OPERATOR, STATIONMASTER
from app.services.context import Context
from app.services.runs import stacks

ENTRIES_A_PAGE = 50
ENTRIES_A_BATCH = 500


def record(
    ctx: Context,
    action: Action,
    thing_id: str,
    thing_name: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record a decision of the context's actor, in the same transaction as the decision itself.

    :param before, after: values by column, as JSON; those that did not change are left out. They contain no secrets:
        for a key its fingerprint, for a token its name.
    """
    here, by = origin.current(), ctx.actor
    was, becomes = before or {}, after or {}
    ctx.session.add(
        AuditEntry(
            at=ctx.now,
            actor_id=by.id if by else None,
            actor=by.email if by else OPERATOR if here.place == origin.COMMAND_LINE else STATIONMASTER,
            action=action,
            thing_kind=action.kind,
            thing_id=thing_id,
            thing_name=thing_name,
            origin=here.place,
            request_id=here.request_id,
            before={name: value for name, value in was.items() if name not in becomes or becomes[name] != value},
            after={name: value for name, value in becomes.items() if name not in was or was[name] != value},
        )
    )


async def record_run(ctx: Context, action: Action, run: Run, **after: str | None) -> None:
    """Record a decision about a run, with the changes that require approval, if any."""
    awaits = {"awaits": [f"{change['action']} {change['address']}" for change in run.awaits]} if run.awaits else {}
    name = f"{run.kind} {await name_of_stack(ctx.session, run.stack_id)}"
    record(ctx, action, run.id, name, after={**awaits, **after})


async def name_of_stack(session: AsyncSession, stack_id: str) -> str:
    """The name of the workstation, or of the shared stack."""
    return (await stacks.subject(session, stack_id)).name


_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]*")


def _printable(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("Use printable characters only.")
    return text.strip()


_PATTERN: JsonDict = {"pattern": f"^{_PRINTABLE.pattern}$"}
Words = Annotated[str, Field(max_length=200, json_schema_extra=_PATTERN), AfterValidator(_printable)]
_DAY: JsonDict = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 0}]}
Day = Annotated[date | None, WithJsonSchema(_DAY)]
"""An optional text of a form, where empty stands for None."""


class AuditFilter(BaseModel):
    """A filter of audit entries. Empty fields are ignored."""

    model_config = ConfigDict(populate_by_name=True)

    person: Words = Field("", description="Part of the actor's email address.")
    action: Words = Field("", description="The action.", examples=["workstation.destroy"])
    kind: Words = Field("", description="The resource type.", examples=["run"])
    thing: Words = Field("", description="The resource's ID, or part of its name.")
    first: Day = Field(None, alias="from", description="The first day, in UTC.")
    last: Day = Field(None, alias="to", description="The last day, in UTC.")

    @field_validator("first", "last", mode="before")
    @classmethod
    def _as_a_form_sends_it(cls, value: object) -> object:
        return value or None

    @field_validator("last")
    @classmethod
    def _is_not_before_the_first(cls, last: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get("first")
        if first and last and last < first:
            raise ValueError("Choose a day after the first one.")
        return last

    @property
    def as_query(self) -> dict[str, str]:
        """The fields that are set, as query parameters."""
        return {name: str(value) for name, value in self.model_dump(by_alias=True).items() if value}


async def entries(
    session: AsyncSession, desired: AuditFilter, *, below: int | None = None, limit: int = ENTRIES_A_PAGE
) -> list[AuditEntry]:
    """Entries, newest first.

    :param below: only entries with a smaller number, for the next page.
    """
    query = _filtered(select(AuditEntry), desired)
    if below is not None:
        query = query.where(AuditEntry.number < below)
    return list(await session.scalars(query.order_by(AuditEntry.number.desc()).limit(limit)))


def _filtered(query: Select[tuple[AuditEntry]], desired: AuditFilter) -> Select[tuple[AuditEntry]]:
    if desired.person:
        query = query.where(AuditEntry.actor.icontains(desired.person, autoescape=True))
    if desired.action:
        query = query.where(AuditEntry.action == desired.action)
    if desired.kind:
        query = query.where(AuditEntry.thing_kind == desired.kind)
    if desired.thing:
        named = AuditEntry.thing_name.icontains(desired.thing, autoescape=True)
        query = query.where(or_(AuditEntry.thing_id == desired.thing, named))
    if desired.first:
        query = query.where(AuditEntry.at >= datetime.combine(desired.first, time.min, UTC))
    if desired.last:
        query = query.where(AuditEntry.at <= datetime.combine(desired.last, time.max, UTC))
    return query


async def batches(database: Database, desired: AuditFilter) -> AsyncIterator[list[AuditEntry]]:
    """All entries in batches, newest first. Each batch is read in its own short session."""
    below = None
    while True:
        async with database.sessions() as session:
            batch = await entries(session, desired, below=below, limit=ENTRIES_A_BATCH)
        if batch:
            below = batch[-1].number
            yield batch
        if len(batch) < ENTRIES_A_BATCH:
            return
