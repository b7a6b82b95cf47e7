"""A database that was restored from a backup, and is older than the resources at Google."""

from sqlalchemy import delete, update

from app.models import Action, SignIn, Stack
from app.services import audit
from app.services.context import Context


async def prepare_restored(ctx: Context, name: str) -> None:
    """Prepare a restored database for use."""
    # Like after a crash, the next plan of each stack looks for resources that were created since the backup.
    await ctx.session.execute(update(Stack).values(needs_reconcile=True))
    # Otherwise sign-ins that were ended since the backup would be valid again.
    await ctx.session.execute(delete(SignIn))
    audit.record(ctx, Action.RESTORE_PORTAL, name, name)
