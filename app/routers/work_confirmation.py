"""Pages that end what runs on a machine say what that is, and ask again if it is more than an idle shell."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends, Form

from app.deps import ContextDep, WorkstationDep
from app.models import Workstation
from app.services.context import Context
from app.services.workstations import running_now


def context(
    ctx: Context, workstation: Workstation, errors: Mapping[str, str], *, is_confirmed: bool = False
) -> dict[str, Any]:
    """The template variables of workstations/_running_now.html.

    :param errors: of the form, if it was refused.
    """
    found = running_now.of(workstation, ctx.now)
    return {"workstation": workstation, "running_now": found, "ends_work": is_confirmed, "errors": errors}


async def _check(
    workstation: WorkstationDep, ctx: ContextDep, end_work: Annotated[Literal["", "yes"], Form()] = ""
) -> None:
    running_now.require_confirmation(workstation, ctx.now, is_confirmed=end_work == "yes")


CONFIRMED = Depends(_check)
"""A route's dependency: its form has to agree to end what runs, if anything does."""
