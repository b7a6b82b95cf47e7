"""Setting up SSH on a member's computers: the files, the command that fetches them, and whether they are current."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app.crypto import digest, new_secret
from app.errors import SignInRequiredError
from app.live import member_topic, signal, stack_topic
from app.models import Action, SignIn, SshKey, SshSetup, Workstation
from app.models.ssh_setup import LASTS_FOR, MOST_USES
from app.services import audit
from app.services.context import Context
from app.services.keys import ssh_config, ssh_keys
from app.services.workstations.queries import list_of

PREFIX = "stmsetup_"
"""Prefix of every token, by which people and secret scanners recognize one."""


@dataclass(frozen=True)
class NewSetup:
    """A setup command that was just created."""

    plain: str = field(repr=False)
    """Its token, which is shown once and stored nowhere."""
    expires_at: datetime


@dataclass(frozen=True)
class SshFiles:
    """What belongs into ~/.ssh/stationmaster."""

    texts: dict[str, str] = field(repr=False)
    """By file name."""
    hosts: list[str]
    """What can be typed after `ssh`."""


@dataclass(frozen=True)
class SetupState:
    """How far a member has set up SSH on their computers, as far as the portal knows."""

    is_done: bool
    """Whether the files were installed, or somebody logged in, before."""
    has_hosts: bool
    """Whether there is a workstation to connect to."""
    stale_hosts: list[str]
    """Workstations that the installed files do not lead to."""
    has_pairs: bool
    """Whether the portal has private keys of theirs."""
    needs_private_key: bool
    """Whether it has a private key that its owner does not have yet."""

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to install."""
        return self.is_done and not self.stale_hosts and not self.needs_private_key

    @property
    def next_needs_private_keys(self) -> bool:
        """Whether the next installation should bring the private keys."""
        return self.needs_private_key or (self.has_pairs and not self.is_done)


async def begin(ctx: Context, sign_in: SignIn, *, with_private_keys: bool) -> NewSetup:
    """Create a command for the context's member. The caller has checked that the sign-in is fresh if it must be."""
    await ctx.session.execute(delete(SshSetup).where(SshSetup.expires_at < ctx.now))
    plain = PREFIX + new_secret()
    setup = SshSetup(
        sign_in_id=sign_in.id,
        token_hash=digest(plain),
        with_private_keys=with_private_keys,
        expires_at=ctx.now + LASTS_FOR,
        uses_left=MOST_USES,
    )
    ctx.session.add(setup)
    await ctx.session.flush()
    _record(ctx, Action.BEGIN_SSH_SETUP, setup)
    return NewSetup(plain, setup.expires_at)


async def use(ctx: Context, plain: str) -> SshFiles:
    """The files that a command fetches. Raises SignInRequiredError if its token is not valid, or not any more.

    Commits the context's transaction before it calls Secret Manager.
    """
    setup = await ctx.session.scalar(
        select(SshSetup)
        .where(SshSetup.token_hash == digest(plain))
        .options(joinedload(SshSetup.sign_in).joinedload(SignIn.member))
        .with_for_update(of=SshSetup)
    )
    if setup is None or not setup.is_valid(ctx.now) or not setup.sign_in.member.may_sign_in(ctx.settings):
        raise SignInRequiredError("This setup command has expired. Open its page again to get a new one.")
    setup.use()
    by_member = ctx.acting(setup.sign_in.member)
    _record(by_member, Action.USE_SSH_SETUP, setup)
    return await files(by_member, with_private_keys=setup.with_private_keys)


async def files(ctx: Context, *, with_private_keys: bool) -> SshFiles:
    """The files of the context's member, which count as installed from now on.

    Commits the context's transaction before it calls Secret Manager.
    """
    machines, keys = await _mine(ctx)
    port = ctx.settings.ssh_port
    config, known_hosts = ssh_config.compute_config(machines, keys, port), ssh_config.known_hosts(machines, port)
    ctx.member.ssh_files = config + known_hosts
    await signal(ctx.session, member_topic(ctx.member.id), *(stack_topic(machine.id) for machine in machines))
    # With a public key in its file, ssh finds the private key in an agent.
    public = {f"{key.name}.pub": f"{key.public_key}\n" for key in keys}
    pairs = [key for key in keys if with_private_keys and key.has_private_half]
    private = {key.name: await ssh_keys.private(ctx, key) for key in pairs}
    hosts = [machine.name for machine in machines if machine.is_in_ssh_files]
    return SshFiles({"config": config, "known_hosts": known_hosts, **public, **private}, hosts)


async def state(ctx: Context) -> SetupState:
    """How far the context's member has come."""
    machines, keys = await _mine(ctx)
    installed, port = ctx.member.ssh_files, ctx.settings.ssh_port
    # Who set it up by hand has files that the portal did not see. A machine that was logged in to is in them.
    expected = [machine for machine in machines if installed is not None or not machine.used_at]
    return SetupState(
        is_done=installed is not None or any(machine.used_at for machine in machines),
        has_hosts=any(machine.is_in_ssh_files for machine in machines),
        stale_hosts=[machine.name for machine in expected if ssh_config.lacks(installed or "", machine, keys, port)],
        has_pairs=any(key.has_private_half for key in keys),
        needs_private_key=any(key.waits_for_its_owner for key in keys),
    )


async def _mine(ctx: Context) -> tuple[list[Workstation], list[SshKey]]:
    return await list_of(ctx.session, ctx.member), await ssh_keys.list_of(ctx.session, ctx.member)


def _record(ctx: Context, action: Action, setup: SshSetup) -> None:
    audit.record(ctx, action, setup.id, "with private keys" if setup.with_private_keys else "without private keys")
