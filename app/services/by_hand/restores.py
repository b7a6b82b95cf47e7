"""A database that was restored from a backup: what it says was so once, and may not be so now."""

from sqlalchemy import delete, update

from app.models import Action, SignIn, Stack
from app.services import audit
from app.services.context import Context


async def prepare_restored(ctx: Context, name: str) -> None:
    """Make a restored database fit to go on with.

    What happened at Google since the backup is found before the next plan of each stack, as after a crash. Sign-ins
    end: one that was ended since the backup would be valid again.
    """
    await ctx.session.execute(update(Stack).values(needs_reconcile=True))
    await ctx.session.execute(delete(SignIn))
    audit.record(ctx, Action.RESTORE_PORTAL, name, name)
