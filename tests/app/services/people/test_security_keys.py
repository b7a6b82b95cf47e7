"""Security keys that are removed while somebody uses them."""

import asyncio

import pytest

from app.models import SecurityKey, SignIn
from app.services.people import security_keys, sign_ins
from tests.stage import Stage
from tests.waiting import until_a_transaction_waits

pytestmark = pytest.mark.anyio


async def remove(stage: Stage, key_id: str) -> None:
    async with stage.acting("grace") as ctx:
        await security_keys.remove(ctx, await security_keys.own(ctx.session, ctx.member, key_id))


async def test_a_use_at_the_same_time_confirms_nothing_after_the_removal(stage: Stage) -> None:
    async with stage.acting("grace") as ctx:
        started = await sign_ins.start(ctx, address="127.0.0.1", user_agent="a test")
        key = SecurityKey(
            member_id=ctx.member.id,
            name="blue",
            domain="portal.test",
            credential_id=b"1",
            public_key=b"2",
            sign_count=0,
            transports=["usb"],
            added_at=ctx.now,
        )
        ctx.session.add(key)
    async with stage.database.sessions.begin() as using:
        await using.get_one(SecurityKey, key.id, with_for_update=True)
        removal = asyncio.create_task(remove(stage, key.id))
        await until_a_transaction_waits(stage.database)
        (await using.get_one(SignIn, started.row.id)).key_used_at = stage.clock()
    await removal

    assert (await stage.row(SignIn, started.row.id)).key_used_at is None
