"""SSH keys, as JSON."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Body, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from app.deps import ContextDep, FreshSignInDep, IdPath, MemberDep, SessionDep
from app.models import SshKey
from app.routers.api.shapes import errors
from app.services.keys import machine_keys, ssh_keys
from app.services.keys.machine_keys import MachineKeys

router = APIRouter(prefix="/api/v1/ssh-keys", tags=["ssh-keys"])
log = structlog.get_logger()

NAME = Field(description="Name of the key, also its file's: unique among your keys.", examples=["laptop"])


class NewKey(BaseModel):
    """A public key to add."""

    model_config = ConfigDict(extra="forbid")

    name: str = NAME
    public_key: str = Field(description="The line in a .pub file.", examples=["ssh-ed25519 AAAA… you@laptop"])


class NewPair(BaseModel):
    """A pair for the portal to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(ssh_keys.FIRST_PAIR, description=NAME.description, examples=["stationmaster"])


class Key(BaseModel):
    """One of your SSH keys."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str = NAME
    public_key: str = Field(description="The public key, as OpenSSH writes it; its comment is the name.")
    fingerprint: str = Field(description="As `ssh-keygen -lf` prints it.", examples=["SHA256:…"])
    has_private_half: bool = Field(description="Whether the portal made this pair and keeps its private half.")
    created_at: datetime


class Machine(BaseModel):
    """One of your machines, and which keys it lets in."""

    id: str
    name: str
    is_up_to_date: bool = Field(description="Exactly your keys are on it.")
    keys: list[str] = Field(description="Ids of your keys that are on it for sure.")
    leftover: list[str] = Field(description="Names of keys that you deleted and that it may still let in.")
    run_id: str | None = Field(description="The run that brings your keys to it, or waits for a decision before that.")

    @classmethod
    def of(cls, machine: MachineKeys, keys: list[SshKey]) -> "Machine":
        """As the machine's runs tell."""
        return cls(
            id=machine.workstation.id,
            name=machine.workstation.name,
            is_up_to_date=machine.is_up_to_date,
            keys=[key.id for key in keys if machine.has(key)],
            leftover=machine.leftover,
            run_id=machine.run.id if machine.run else None,
        )


class Keys(BaseModel):
    """All your SSH keys, the oldest first, and the machines that are to have them."""

    items: list[Key]
    machines: list[Machine]


@router.get("", responses=errors(401))
async def list_keys(session: SessionDep, member: MemberDep) -> Keys:
    """Your SSH keys."""
    keys = await ssh_keys.list_of(session, member)
    machines = await machine_keys.of_member(session, member)
    items = [Key.model_validate(key) for key in keys]
    return Keys(items=items, machines=[Machine.of(machine, keys) for machine in machines])


@router.post("", status_code=201, responses=errors(401, 422))
async def add_key(spec: NewKey, ctx: ContextDep) -> Key:
    """Add a public key. All your machines take it, without a rebuild."""
    return Key.model_validate(await ssh_keys.add(ctx, spec.name, spec.public_key))


@router.post("/generate", status_code=201, responses=errors(401, 422, 503))
async def generate_pair(ctx: ContextDep, spec: Annotated[NewPair, Body(default_factory=NewPair)]) -> Key:
    """Make an Ed25519 pair, which all your machines take. Its private half is kept in Secret Manager, for you alone."""
    return Key.model_validate(await ssh_keys.generate(ctx, spec.name))


@router.get(
    "/{key_id}/private",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "The private half, in OpenSSH's format."},
        **errors(401, 404, 410, 503, beside_text=True),
    },
)
async def read_private_half(key_id: IdPath, ctx: ContextDep, caller: FreshSignInDep) -> PlainTextResponse:
    """The private half of a pair that the portal made. With a browser's sign-in, that must be minutes old."""
    key = await ssh_keys.find(ctx.session, ctx.member, key_id)
    text = await ssh_keys.private(ctx, key)
    log.info("private key read", member=caller.member.id, key=key.id, by="browser" if caller.sign_in else "token")
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})


@router.delete("/{key_id}", status_code=204, responses=errors(401, 404, 503))
async def delete_key(key_id: IdPath, ctx: ContextDep) -> Response:
    """Delete a key, and its private half for good. It is taken off your machines: the list says when that is done.

    Without any key nobody can log in to them.
    """
    await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, ctx.member, key_id))
    return Response(status_code=204)
