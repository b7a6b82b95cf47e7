"""/api/v1/shared-stack: read, configure, check for drift, delete. For admins."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from app.deps import ContextDep, PortalDep, SharedStackDep
from app.errors import InvalidError
from app.models import SharedStack, SharedStackStatus
from app.routers.api.run_answers import RunAnswer, full
from app.routers.api.shapes import errors
from app.services import runs
from app.services.shared import shared_settings, shared_stack
from app.services.shared.shared_settings import SharedSettings
from app.web import field_sentences

router = APIRouter(prefix="/api/v1/shared-stack", tags=["shared stack"], responses=errors(401, 403, 409, 422))


class SharedStackAnswer(BaseModel):
    """The shared stack as applied last."""

    id: str
    status: SharedStackStatus
    settings: SharedSettings
    iam_admins: list[str]
    outputs: dict[str, Any] = Field(description="Terraform's outputs; empty before the first apply.")
    applied_at: datetime | None
    checked_at: datetime | None = Field(description="When it was last checked for drift.")
    drift_run_id: str | None = Field(description="The check that found drift, until that is fixed.")


# Those of SharedSettings, none of which has to be there.
_SETTINGS = {**SharedSettings.model_json_schema(), "required": []}


class SharedStackChange(BaseModel):
    """Changes to the settings. Fields that are omitted keep their desired values."""

    model_config = ConfigDict(extra="forbid")

    settings: Annotated[dict[str, Any], WithJsonSchema(_SETTINGS)] = Field({}, examples=[{"deploy_kubernetes": True}])
    reason: str = Field("", max_length=200, description="The reason, shown in the history: printable characters.")


def _answer(stack: SharedStack, settings: SharedSettings) -> SharedStackAnswer:
    return SharedStackAnswer(
        id=stack.id,
        status=stack.status,
        settings=settings,
        iam_admins=stack.iam_admins,
        outputs=stack.outputs,
        applied_at=stack.applied_at,
        checked_at=stack.checked_at,
        drift_run_id=stack.drift_run_id,
    )


@router.get("")
async def read_shared_stack(stack: SharedStackDep, portal: PortalDep) -> SharedStackAnswer:
    """The shared stack."""
    return _answer(stack, shared_settings.of(stack, portal.settings))


@router.patch("", status_code=202)
async def configure_shared_stack(stack: SharedStackDep, change: SharedStackChange, ctx: ContextDep) -> RunAnswer:
    """Plan new settings. The run requires approval."""
    desired = (await shared_stack.desired(ctx, stack)).settings
    try:
        chosen = SharedSettings.model_validate({**desired.model_dump(), **change.settings})
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=field_sentences(error.errors())) from error
    run = await shared_stack.configure(ctx, stack, chosen, change.reason)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)


@router.post("/check", status_code=202)
async def check_shared_stack(stack: SharedStackDep, ctx: ContextDep) -> RunAnswer:
    """Check for drift. Nothing is changed."""
    run = await shared_stack.check(ctx, stack)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)


@router.delete("", status_code=202)
async def destroy_shared_stack(stack: SharedStackDep, ctx: ContextDep) -> RunAnswer:
    """Plan its deletion. The run requires approval, with the names of resources whose data is deleted."""
    run = await shared_stack.request_destroy(ctx, stack)
    return await full(ctx.session, await runs.find(ctx.session, ctx.member, run.id), ctx.now)
