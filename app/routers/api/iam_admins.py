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
    """A principal to add."""

    model_config = ConfigDict(extra="forbid")

    principal: str = Field(
        description=f"{FORMS}, then an email address or a domain. An email address alone is a user or service account.",
        examples=["user:ada@example.com"],
    )
    confirm_outside: bool = Field(
        False, description="Confirms a principal outside the portal's domains and the project."
    )


class IamAdminAnswer(BaseModel):
    """One IAM admin."""

    principal: str = Field(description="In Terraform's form.", examples=["user:ada@example.com"])
    state: IamAdminState
    is_wanted: bool = Field(description="Whether it is in the desired list.")
    run_id: str | None = Field(description="The run that changes it, or failed to.")
    kept_because: str | None = Field(description="Why it cannot be removed now; null if it can.")


class IamAdmins(BaseModel):
    """All IAM admins, with pending and failed additions and removals."""

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
    """Principals with the admin role in the Google project."""
    found = await iam_admins.list_of(ctx, stack)
    return IamAdmins(items=[_answer(entry) for entry in found])


@router.post("", status_code=202)
async def add_iam_admin(stack: SharedStackDep, spec: NewIamAdmin, ctx: ContextDep) -> RunAnswer:
    """Add an IAM admin with a run that requires approval."""
    run = await iam_admins.add(ctx, stack, spec.principal, confirm_outside=spec.confirm_outside)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)


@router.delete("/{principal}", status_code=202, responses=errors(404))
async def remove_iam_admin(stack: SharedStackDep, principal: str, ctx: ContextDep) -> RunAnswer:
    """Remove an IAM admin with a run that requires approval. You can't remove the last one, yourself or the portal."""
    run = await iam_admins.remove(ctx, stack, principal)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)
