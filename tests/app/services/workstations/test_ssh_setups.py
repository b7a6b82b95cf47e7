"""Setting up SSH: what a command returns, to whom and for how long, and when the files are out of date."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import SignInRequiredError
from app.models import Member, SignIn, SshKey, Workstation
from app.models.ssh_setup import MOST_USES
from app.services.context import Context
from app.services.keys import ssh_keys
from app.services.offboarding import access
from app.services.people import sign_ins
from app.services.workstations import ssh_setups
from tests.parts import MovingClock
from tests.stage import By, Stage
from tests.steps import HOST_KEYS, audit_entries

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pair(by: By, grace: Member) -> SshKey:
    return await ssh_keys.generate(by(grace), "laptop")


@pytest.fixture
async def sign_in(by: By, grace: Member) -> SignIn:
    return (await sign_ins.start(by(grace), address="127.0.0.1", user_agent="a test")).row


async def begin(ctx: Context, sign_in: SignIn, *, with_private_keys: bool = True) -> str:
    return (await ssh_setups.begin(ctx, sign_in, with_private_keys=with_private_keys)).plain


async def refuses(ctx: Context, plain: str) -> bool:
    try:
        await ssh_setups.use(ctx, plain)
    except SignInRequiredError:
        return True
    return False


async def test_a_command_returns_the_files_and_the_private_key(
    by: By, grace: Member, sign_in: SignIn, pair: SshKey
) -> None:
    plain = await begin(by(grace), sign_in)
    files = await ssh_setups.use(by(), plain)

    assert list(files.texts) == ["config", "known_hosts", "laptop.pub", "laptop"]
    assert files.texts["laptop"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert files.texts["laptop.pub"] == f"{pair.public_key}\n"
    entries = (await audit_entries(by().session))[-3:]
    assert [(entry.action, entry.thing_name, entry.actor) for entry in entries] == [
        ("ssh_setup.begin", "with private keys", "grace@example.com"),
        ("ssh_setup.use", "with private keys", "grace@example.com"),
        ("ssh_key.read", "laptop", "grace@example.com"),
    ]
    assert plain not in repr(files)


@pytest.mark.usefixtures("pair")
async def test_a_command_without_private_keys_returns_none(by: By, grace: Member, sign_in: SignIn) -> None:
    files = await ssh_setups.use(by(), await begin(by(grace), sign_in, with_private_keys=False))

    assert list(files.texts) == ["config", "known_hosts", "laptop.pub"]
    assert "PRIVATE" not in str(files.texts)


async def test_a_command_lasts_ten_minutes(by: By, grace: Member, sign_in: SignIn, clock: MovingClock) -> None:
    plain = await begin(by(grace), sign_in)
    clock.advance(minutes=9, seconds=59)
    assert not await refuses(by(), plain)
    clock.advance(seconds=1)
    assert await refuses(by(), plain)


async def test_a_command_can_be_used_a_few_times(by: By, grace: Member, sign_in: SignIn) -> None:
    plain = await begin(by(grace), sign_in)
    for _ in range(MOST_USES):
        assert not await refuses(by(), plain)
    assert await refuses(by(), plain)


async def test_simultaneous_uses_are_counted_too(stage: Stage) -> None:
    async with stage.acting("grace") as ctx:
        sign_in = (await sign_ins.start(ctx, address="127.0.0.1", user_agent="a test")).row
        plain = await begin(ctx, sign_in)

    async def is_refused() -> bool:
        async with stage.database.transaction() as session:
            return await refuses(stage.context(session), plain)

    answers = await asyncio.gather(*(is_refused() for _ in range(MOST_USES + 3)))
    assert sorted(answers) == [False] * MOST_USES + [True] * 3


async def test_a_command_ends_with_its_sign_in(by: By, grace: Member, sign_in: SignIn) -> None:
    plain = await begin(by(grace), sign_in)
    await sign_ins.revoke(by(grace), sign_in.id)
    assert await refuses(by(), plain)


async def test_a_command_ends_when_its_member_is_disabled(by: By, ada: Member, grace: Member, sign_in: SignIn) -> None:
    plain = await begin(by(grace), sign_in)
    await access.disable(by(ada), grace)
    assert await refuses(by(), plain)


async def test_a_command_ends_when_no_rule_names_its_member(by: By, grace: Member, sign_in: SignIn) -> None:
    plain = await begin(by(grace), sign_in)
    grace.email = "grace@elsewhere.test"
    assert await refuses(by(), plain)


async def test_a_command_is_stored_hashed_and_forgotten_after_its_end(
    by: By, grace: Member, sign_in: SignIn, clock: MovingClock, session: AsyncSession
) -> None:
    plain = await begin(by(grace), sign_in)
    stored = await session.connection()
    columns = (await stored.exec_driver_sql("SELECT * FROM ssh_setups")).one()
    assert plain not in str(columns)
    clock.advance(minutes=11)
    await begin(by(grace), sign_in)
    assert len((await stored.exec_driver_sql("SELECT * FROM ssh_setups")).all()) == 1


async def test_an_invented_token_is_refused(by: By) -> None:
    for plain in ("", "stmsetup_", "stmsetup_x"):
        assert await refuses(by(), plain)


async def state_of(stage: Stage) -> ssh_setups.SetupState:
    async with stage.acting("grace") as ctx:
        return await ssh_setups.state(ctx)


async def install(stage: Stage, *, with_private_keys: bool) -> None:
    async with stage.acting("grace") as ctx:
        await ssh_setups.files(ctx, with_private_keys=with_private_keys)


async def test_the_files_are_out_of_date_when_a_machine_is_new_or_another_one(stage: Stage) -> None:
    assert not (await state_of(stage)).has_hosts
    first = await stage.make("dev-1")
    assert (await state_of(stage)).next_needs_private_keys
    await install(stage, with_private_keys=True)
    assert (await state_of(stage)).is_current

    await stage.make("dev-2")
    stale = await state_of(stage)
    assert (stale.is_done, stale.stale_hosts, stale.next_needs_private_keys) == (True, ["dev-2"], False)
    await install(stage, with_private_keys=False)
    assert (await state_of(stage)).is_current

    async with stage.database.sessions.begin() as session:
        machine = await session.get_one(Workstation, first.id)
        machine.host_keys = {**HOST_KEYS, "ssh-rsa": "AAAAB3NzaC1yc2E="}
    assert (await state_of(stage)).stale_hosts == ["dev-1"]


async def test_a_new_key_pair_has_to_be_installed(stage: Stage) -> None:
    await stage.make("dev-1")
    await install(stage, with_private_keys=True)
    async with stage.acting("grace") as ctx:
        await ssh_keys.generate(ctx, "second")
    await install(stage, with_private_keys=False)

    assert (await state_of(stage)).needs_private_key
    assert not (await state_of(stage)).is_current
    await install(stage, with_private_keys=True)
    assert (await state_of(stage)).is_current


async def test_a_machine_that_is_off_or_gone_makes_nothing_out_of_date(stage: Stage) -> None:
    made = [await stage.make(name) for name in ("dev-1", "dev-2")]
    await install(stage, with_private_keys=True)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, made[0].id)).become_stopped()
        (await session.get_one(Workstation, made[1].id)).become_destroyed(stage.clock(), disk_kept=False)
    assert (await state_of(stage)).is_current
    await install(stage, with_private_keys=False)
    async with stage.acting("grace") as ctx:
        assert (await ssh_setups.files(ctx, with_private_keys=False)).hosts == ["dev-1"]


async def test_a_login_shows_that_ssh_was_set_up_by_hand(stage: Stage) -> None:
    first = await stage.make("dev-1")
    async with stage.acting("grace") as ctx:
        [key] = await ssh_keys.list_of(ctx.session, ctx.member)
        await ssh_keys.private(ctx, key)
    assert not (await state_of(stage)).is_done
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, first.id)).used_at = stage.clock()
    assert (await state_of(stage)).is_current

    await stage.make("dev-2")
    assert (await state_of(stage)).stale_hosts == ["dev-2"]


async def test_a_member_with_keys_of_their_own_needs_no_private_key(
    by: By, grace: Member, stage: Stage, clock: MovingClock
) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEVkMjU1MTktcHVibGljLWtleS1vZi0zMi1ieXRlcy4u grace@office"
    await ssh_keys.add(by(grace), "office", line)
    state = await ssh_setups.state(replace(by(grace), now=clock()))

    assert (state.has_pairs, state.next_needs_private_keys) == (False, False)
    files = await ssh_setups.files(by(grace), with_private_keys=True)
    assert list(files.texts) == ["config", "known_hosts", "office.pub"]
