"""/api/v1/iam-admins: read, add, remove. For admins."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.deps import ContextDep, SharedStackDep
from app.routers.api.run_answers import RunAnswer, full
from app.routers.api.shapes import errors
from app.services import runs
from app.services.people import iam_admins
from app.services.people.iam_admins import IamAdmin, IamAdminState
from app.services.people.principals import FORMS

router = APIRouter(prefix="/api/v1/iam-admins", tags=["IAM admins"], responses=errors(401, 403, 409, 422))


class NewIamAdmin(BaseModel):
    """Who is to have the admins' role in the project."""

    model_config = ConfigDict(extra="forbid")

    principal: str = Field(
        description=f"{FORMS}, then an address or a domain. An address alone is a person's, or by its ending a service "
        "account's.",
        examples=["user:ada@example.com"],
    )
    confirm_outside: bool = Field(
        False, description="That somebody outside of the portal's people and the project is meant."
    )


class IamAdminAnswer(BaseModel):
    """One entry of the list."""

    principal: str = Field(description="As Terraform takes it.", examples=["user:ada@example.com"])
    state: IamAdminState
    is_wanted: bool = Field(description="Whether it is on the list as it is to be.")
    run_id: str | None = Field(description="The run that changes it, or has failed to.")
    kept_because: str | None = Field(description="Why it cannot be removed now; null where it can.")


class IamAdmins(BaseModel):
    """All IAM admins of the list, with those to come and to go."""

    items: list[IamAdminAnswer]


def _answer(admin: IamAdmin) -> IamAdminAnswer:
    return IamAdminAnswer(
        principal=admin.principal,
        state=admin.state,
        is_wanted=admin.is_wanted,
        run_id=admin.run.id if admin.run else None,
        kept_because=admin.kept_because or None,
    )


@router.get("")
async def list_iam_admins(stack: SharedStackDep, ctx: ContextDep) -> IamAdmins:
    """Who has the admins' role in the Google project by this list, and what becomes of it."""
    found = await iam_admins.list_of(ctx, stack)
    return IamAdmins(items=[_answer(entry) for entry in found])


@router.post("", status_code=202)
async def add_iam_admin(stack: SharedStackDep, spec: NewIamAdmin, ctx: ContextDep) -> RunAnswer:
    """Add one. The run waits for approval."""
    run = await iam_admins.add(ctx, stack, spec.principal, confirm_outside=spec.confirm_outside)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)


@router.delete("/{principal}", status_code=202, responses=errors(404))
async def remove_iam_admin(stack: SharedStackDep, principal: str, ctx: ContextDep) -> RunAnswer:
    """Remove one. The run waits for approval; the last one, oneself and the portal's own account stay."""
    run = await iam_admins.remove(ctx, stack, principal)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)
