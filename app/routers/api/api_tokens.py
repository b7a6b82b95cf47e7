"""API tokens, as JSON. They are created on the account page alone: a token creates no other tokens."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.deps import ApiTokenDep, ContextDep
from app.models import ApiToken, Scope
from app.routers.api.shapes import errors
from app.services.people import api_tokens

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


class ApiTokenAnswer(BaseModel):
    """An API token, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    scope: Scope = Field(
        description="read: read your own resources. machines: change them as well. admin: all that admins can do."
    )
    hint: str = Field(description="How the token begins.", examples=["stm_x7Qp"])
    created_at: datetime
    expires_at: datetime = Field(description="From then on it is refused with 401.")
    last_used_at: datetime | None = Field(description="To the minute; null if it was never used.")


class ApiTokens(BaseModel):
    """API tokens, newest first."""

    items: list[ApiTokenAnswer]

    @classmethod
    def of(cls, tokens: list[ApiToken]) -> Self:
        """As JSON."""
        return cls(items=[ApiTokenAnswer.model_validate(token) for token in tokens])


@router.get("", responses=errors(401))
async def list_tokens(ctx: ContextDep) -> ApiTokens:
    """Your API tokens that are not revoked, those that expired in the last 30 days included."""
    return ApiTokens.of(await api_tokens.list_of(ctx.session, ctx.member, ctx.now))


@router.delete("/{token_id}", status_code=204, responses=errors(401, 403, 404))
async def revoke_token(token: ApiTokenDep, ctx: ContextDep) -> Response:
    """Revoke a token: it is refused from then on. Admins can revoke everybody's."""
    await api_tokens.revoke(ctx, token)
    return Response(status_code=204)
