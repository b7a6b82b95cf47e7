"""Grace's SSH keys, and the machines that they go to."""

import asyncssh

from app.models import Run
from app.services import runs
from app.services.keys import machine_keys, ssh_keys
from app.services.keys.machine_keys import MachineKeys
from tests.stage import Stage


def line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode()


class Keys:
    """Grace's, and the machines that they go to; whatever she does comes a minute after the last."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def add(self, name: str) -> str:
        self.stage.clock.advance(minutes=1)
        async with self.stage.acting("grace") as ctx:
            return (await ssh_keys.add(ctx, name, line())).id

    async def delete(self, key_id: str) -> None:
        self.stage.clock.advance(minutes=1)
        async with self.stage.acting("grace") as ctx:
            await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, ctx.member, key_id))

    async def create(self, name: str = "dev-1") -> str:
        return (await self.stage.request(name)).workstation.id

    async def make(self, name: str = "dev-1") -> str:
        return (await self.stage.make(name)).id

    async def claim(self, workstation_id: str) -> str:
        """A worker claims what is queued."""
        self.stage.clock.advance(minutes=1)
        [run] = [run for run in await self.pending(workstation_id) if run.is_queued]
        await self.stage.claim(run.id)
        return run.id

    async def carry_out(self, workstation_id: str) -> None:
        """What is queued ends well."""
        await self.stage.carry_out(await self.claim(workstation_id))

    async def pending(self, workstation_id: str) -> list[Run]:
        async with self.stage.database.sessions() as session:
            return await runs.pending(session, workstation_id)

    async def on(self, name: str = "dev-1") -> MachineKeys:
        """Those on a machine."""
        async with self.stage.acting("grace") as ctx:
            found = await machine_keys.of_member(ctx.session, ctx.member)
        return next(each for each in found if each.workstation.name == name)


def names(keys: dict[str, str]) -> list[str]:
    return sorted(text.split()[-1] for text in keys.values())
