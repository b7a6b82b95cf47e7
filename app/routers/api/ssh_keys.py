"""SSH keys, as JSON."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Body, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.deps import ContextDep, FreshSignInDep, IdPath, MemberDep, SessionDep
from app.models import SshKey
from app.routers.api.shapes import errors
from app.services.keys import machine_keys, ssh_keys
from app.services.keys.machine_keys import MachineKeys

router = APIRouter(prefix="/api/v1/ssh-keys", tags=["ssh-keys"])
log = structlog.get_logger()

_PATTERN: JsonDict = {"pattern": f"^{ssh_keys.NAME.pattern}$"}
NAME = Field(
    description="Name of the key and of its file, unique among your keys.",
    examples=["laptop"],
    json_schema_extra=_PATTERN,
)


class NewKey(BaseModel):
    """A public key to add."""

    model_config = ConfigDict(extra="forbid")

    name: str = NAME
    public_key: str = Field(description="The contents of a .pub file.", examples=["ssh-ed25519 AAAA… you@laptop"])


class NewPair(BaseModel):
    """A key pair to generate."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        ssh_keys.FIRST_PAIR, description=NAME.description, examples=["stationmaster"], json_schema_extra=_PATTERN
    )


class Key(BaseModel):
    """One of your SSH keys."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str = NAME
    public_key: str = Field(description="The public key in OpenSSH's format; its comment is the name.")
    fingerprint: str = Field(description="As `ssh-keygen -lf` prints it.", examples=["SHA256:…"])
    has_private_half: bool = Field(description="Whether the portal generated this pair and stores the private key.")
    created_at: datetime


class KeysOnWorkstation(BaseModel):
    """One of your workstations, and which keys it accepts."""

    id: str
    name: str
    is_up_to_date: bool = Field(description="Whether it accepts exactly your keys.")
    keys: list[str] = Field(description="Ids of your keys that it accepts for certain.")
    leftover: list[str] = Field(description="Names of deleted keys that it may still accept.")
    run_id: str | None = Field(description="The run that deploys your keys, or awaits approval before that.")

    @classmethod
    def of(cls, machine: MachineKeys, keys: list[SshKey]) -> "KeysOnWorkstation":
        """The answer for one workstation; `keys` are all keys of its owner."""
        return cls(
            id=machine.workstation.id,
            name=machine.workstation.name,
            is_up_to_date=machine.is_up_to_date,
            keys=[key.id for key in keys if machine.has(key)],
            leftover=machine.leftover,
            run_id=machine.run.id if machine.run else None,
        )


class Keys(BaseModel):
    """Your SSH keys, oldest first, and your workstations."""

    items: list[Key]
    machines: list[KeysOnWorkstation]


@router.get("", responses=errors(401))
async def list_keys(session: SessionDep, member: MemberDep) -> Keys:
    """Your SSH keys, and which workstations accept them."""
    keys = await ssh_keys.list_of(session, member)
    machines = await machine_keys.of_member(session, member)
    items = [Key.model_validate(key) for key in keys]
    return Keys(items=items, machines=[KeysOnWorkstation.of(machine, keys) for machine in machines])


@router.post("", status_code=201, responses=errors(401, 422))
async def add_key(spec: NewKey, ctx: ContextDep) -> Key:
    """Add a public key. It is deployed to all your workstations, without rebuilding them."""
    return Key.model_validate(await ssh_keys.add(ctx, spec.name, spec.public_key))


@router.post("/generate", status_code=201, responses=errors(401, 422, 503))
async def generate_pair(ctx: ContextDep, spec: Annotated[NewPair, Body(default_factory=NewPair)]) -> Key:
    """Generate an Ed25519 key pair and deploy it to all your workstations. Only you can read the private key."""
    return Key.model_validate(await ssh_keys.generate(ctx, spec.name))


@router.get(
    "/{key_id}/private",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "The private key, in OpenSSH's format."},
        **errors(401, 404, 410, 503, beside_text=True),
    },
)
async def read_private_key(key_id: IdPath, ctx: ContextDep, caller: FreshSignInDep) -> PlainTextResponse:
    """The private key of a generated pair. A browser needs a fresh sign-in."""
    key = await ssh_keys.find(ctx.session, ctx.member, key_id)
    text = await ssh_keys.private(ctx, key)
    log.info("private key read", member=caller.member.id, key=key.id, by="browser" if caller.sign_in else "token")
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})


@router.delete("/{key_id}", status_code=204, responses=errors(401, 404, 503))
async def delete_key(key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete a key and its private key. It is removed from your workstations; the list shows when that is done.

    Without any key, nobody can log in to your workstations.
    """
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, ctx.member, key_id))
    return Response(status_code=204)
