"""What a member has: all that is to be handed over, deleted or ended before they have left."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from app.models import ApiToken, Member, Run, SignIn, SshKey, Workstation
from app.models.run_states import FINAL
from app.services import workstations
from app.services.allowed_ips import listing
from app.services.allowed_ips.listing import Entry
from app.services.context import Context
from app.services.keys import machine_keys, ssh_keys
from app.services.keys.machine_keys import MachineKeys
from app.services.people import api_tokens, iam_admins, sign_ins
from app.services.shared import leavers


@dataclass(frozen=True)
class Belongings:
    """All that is a member's."""

    machines: Sequence[MachineKeys]
    """Each with the SSH keys that are on it."""
    kept_disks: Sequence[Workstation]
    ssh_keys: Sequence[SshKey]
    tokens: Sequence[ApiToken]
    """Those that have not expired."""
    sign_ins: Sequence[SignIn]
    allowed_ips: Sequence[Entry]
    """Those that were asked for or approved, and what the firewall still lets in."""
    runs: Sequence[Run]
    """Not ended yet: of their machines, or asked for by them."""
    has_access_to_shared_stack: bool
    """Google has grants for them by the shared stack as it was last applied."""
    is_iam_admin: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is theirs."""
        return not any(getattr(self, name) for name in self.__dataclass_fields__)


async def of(ctx: Context, member: Member) -> Belongings:
    """All that is this member's."""
    session = ctx.session
    tokens = await api_tokens.list_of(session, member, ctx.now)
    return Belongings(
        machines=await machine_keys.of_member(session, member),
        kept_disks=[each for each in await workstations.list_of(session, member) if each.is_destroyed],
        ssh_keys=await ssh_keys.list_of(session, member),
        tokens=[token for token in tokens if token.is_valid(ctx.now)],
        sign_ins=await sign_ins.list_of(session, member, ctx.now),
        allowed_ips=await listing.not_ended_of(ctx, member),
        runs=await _runs(ctx, member),
        has_access_to_shared_stack=await leavers.is_known(ctx, member),
        is_iam_admin=await iam_admins.has(ctx, member),
    )


async def _runs(ctx: Context, member: Member) -> list[Run]:
    is_theirs = or_(Workstation.owner_id == member.id, Run.requested_by == member.id)
    query = select(Run).outerjoin(Workstation, Workstation.id == Run.stack_id).where(is_theirs)
    return list(await ctx.session.scalars(query.where(Run.status.not_in(FINAL)).order_by(Run.created_at, Run.id)))
