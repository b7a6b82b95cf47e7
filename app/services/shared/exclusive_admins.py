"""The exclusive list of IAM admins, which takes the role from everybody else: who must be on it."""

from collections.abc import Iterable

from app.services import inspections
from app.services.context import Context
from app.services.shared.shared_settings import SharedSettings

SERVICE_ACCOUNTS = "gserviceaccount.com"


async def portal_accounts(ctx: Context) -> set[str]:
    """The portal's own Google accounts: those in the settings, and the worker's identity."""
    seen = await inspections.read(ctx.session, inspections.DOCTOR)
    identity = str(seen.content.get("identity") or "") if seen else ""
    return {*ctx.settings.portal_accounts, *([identity.lower()] if "@" in identity else [])}


async def problem(
    ctx: Context, before: SharedSettings, chosen: SharedSettings, iam_admins: Iterable[str]
) -> str | None:
    """Why the list cannot be exclusive, because somebody who must keep the role would lose it; None if it can."""
    role = _exclusive_role(chosen)
    if role is None or role == _exclusive_role(before):
        return None
    needed = [*([f"user:{ctx.actor.email}"] if ctx.actor else []), *map(_principal, sorted(await portal_accounts(ctx)))]
    missing = sorted(set(needed) - set(iam_admins))
    if not missing:
        return None
    return f"Add {' and '.join(missing)} to the IAM admins first. You and the portal must keep the role."


def _exclusive_role(settings: SharedSettings) -> str | None:
    return settings.iam_admin_role if settings.authoritative_admins else None


def _principal(account: str) -> str:
    return f"{'serviceAccount' if account.endswith(SERVICE_ACCOUNTS) else 'user'}:{account}"
