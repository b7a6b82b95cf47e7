"""The admins' page of the team's policy."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from app.deps import AdminDep, ContextDep
from app.errors import InvalidError
from app.notices import Done
from app.routers.workstation_form import typed_into
from app.sent_forms import SentFormDep, shown_on
from app.services.people import team_policy
from app.services.people.team_policy import TeamPolicy
from app.web import field_sentences, redirect, render

PAGE = "/admin/policy"
router = APIRouter(prefix=PAGE)
FLAGS = [name for name, field in TeamPolicy.model_fields.items() if field.annotation is bool]


@router.get("")
async def page(request: Request, ctx: ContextDep, _: AdminDep, sent: SentFormDep) -> Response:
    """The form."""
    policy = (await team_policy.of_team(ctx.session)).model_dump()
    form: dict[str, Any] = {name: sent.get(name, str(value)) for name, value in policy.items()}
    # What is not checked is not sent.
    form |= {name: bool(sent.get(name)) if sent.values else policy[name] for name in FLAGS}
    return render(request, "team_policy/show.html", {"form": form, "errors": sent.errors})


@router.post("", dependencies=[shown_on(PAGE)])
async def save(request: Request, ctx: ContextDep, _: AdminDep) -> Response:
    """Set it."""
    sent = await typed_into(request)
    typed = {name: bool(sent.get(name)) if name in FLAGS else sent.get(name, "") for name in TeamPolicy.model_fields}
    try:
        policy = TeamPolicy.model_validate(typed)
    except ValidationError as error:
        raise InvalidError("Fix the errors below.", fields=_sentences(error)) from error
    await team_policy.change(ctx, policy)
    return redirect(PAGE, Done.POLICY_SAVED)


def _sentences(error: ValidationError) -> dict[str, str]:
    # pydantic's own messages are for programmers, apart from those that the policy itself says.
    said = {name: text for name, text in field_sentences(error.errors()).items() if name in TeamPolicy.model_fields}
    own = {str(each["loc"][0]) for each in error.errors() if each["loc"] and each["type"] == "value_error"}
    return {name: text if name in own else TeamPolicy.rule(name) for name, text in said.items()}
