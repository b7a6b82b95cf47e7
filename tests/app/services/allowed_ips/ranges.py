"""Two ranges, a request for one, and how it stands."""

from app.models import AllowedIp, Standing
from app.services import allowed_ips
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context

HOME = AllowedIpSpec("203.0.113.7", "home")
OFFICE = AllowedIpSpec("198.51.100.0/24", "office")


async def ask(ctx: Context, spec: AllowedIpSpec = HOME) -> AllowedIp:
    return (await allowed_ips.request_range(ctx, spec)).ip


async def standing(ctx: Context, ip: AllowedIp) -> Standing:
    return (await listing.entry_of(ctx, ip)).standing


async def notes(ctx: Context, ip: AllowedIp) -> tuple[str, ...]:
    return (await listing.entry_of(ctx, ip)).notes
