"""The number in the name of the shared database. Google does not allow the name of a deleted database for a week."""

import re

from sqlalchemy import func, select

from app.models import Run, RunKind, StateVersion
from app.services import runs
from app.services.context import Context
from app.services.terraform import state_versions
from app.services.terraform.state_resources import instances
from app.services.terraform.state_versions import State


async def bind(ctx: Context, run: Run) -> None:
    """Set the database's number in a run that is being claimed: the existing database keeps its number, a new one
    gets the next."""
    if run.kind is not RunKind.CONFIGURE:
        return
    state = await state_versions.newest(ctx.session, ctx.vault, run.stack_id)
    if state is not None and _stays(state, run.inputs["prefix"], run.inputs["region"]):
        number = state.sql_generation
    else:
        # A database whose creation was interrupted is in no state, so this results in the same number again.
        of_stack = StateVersion.stack_id == run.stack_id
        number = (await ctx.session.scalar(select(func.max(StateVersion.sql_generation)).where(of_stack)) or 0) + 1
    run.inputs = {**run.inputs, runs.GENERATION_INPUT: number}


def _stays(state: State, prefix: str, region: str) -> bool:
    """Whether Terraform would keep the database in the state if its number stays the same."""
    return any(
        each.type == "google_sql_database_instance"
        and not (each.is_tainted or each.deposed)
        and each.attributes.value.get("region") == region
        and re.fullmatch(rf"postgres-(\d+-)?{re.escape(prefix)}", str(each.attributes.value.get("name")))
        for each in instances(state)
    )
