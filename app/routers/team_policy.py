"""The admins' page of the team's policy."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from app.deps import AdminDep, ContextDep
from app.errors import InvalidError
from app.notices import Done
from app.sent_forms import SentFormDep, shown_on
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.web import redirect, render

PAGE = "/admin/policy"
router = APIRouter(prefix=PAGE)
Text = Annotated[str, Form()]


@router.get("")
async def page(request: Request, ctx: ContextDep, _: AdminDep, sent: SentFormDep) -> Response:
    """The form."""
    policy = (await team_policy.of_team(ctx.session)).model_dump()
    form: dict[str, object] = {name: sent.get(name, str(value)) for name, value in policy.items()}
    form["restart_preempted"] = bool(sent.get("restart_preempted")) if sent.values else policy["restart_preempted"]
    return render(request, "team_policy/show.html", {"form": form, "errors": sent.errors})


@router.post("", dependencies=[shown_on(PAGE)])
async def save(
    ctx: ContextDep,
    _: AdminDep,
    grace_days: Text = "",
    dormant_days: Text = "",
    restart_preempted: Text = "",
) -> Response:
    """Set it."""
    typed = {
        "grace_days": grace_days,
        "dormant_days": dormant_days,
        "restart_preempted": bool(restart_preempted),
    }
    try:
        policy = TeamPolicy.model_validate(typed)
    except ValidationError as error:
        fields = {str(each["loc"][0]): TeamPolicy.rule(str(each["loc"][0])) for each in error.errors()}
        raise InvalidError("Fix the errors below.", fields=fields) from error
    await team_policy.change(ctx, policy)
    return redirect(PAGE, Done.POLICY_SAVED)
