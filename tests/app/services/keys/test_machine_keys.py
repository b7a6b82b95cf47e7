"""Which keys are on which machine, and the runs that bring them there."""

import pytest

from app.errors import ConflictError
from app.models import RunKind, Workstation, WorkstationStatus
from app.services import lifecycle
from app.services.keys import machine_keys
from app.services.workstations import orders
from tests.app.services.keys.grace_keys import Keys, names

pytestmark = pytest.mark.anyio


async def test_a_key_goes_to_every_machine_and_changes_nothing_else(keys: Keys) -> None:
    await keys.add("laptop")
    first, second = await keys.make("dev-1"), await keys.make("dev-2")
    made = (await keys.on()).last
    await keys.add("desktop")
    assert made
    for machine in (first, second):
        [run] = await keys.pending(machine)
        assert (run.kind, run.is_queued) == (RunKind.REKEY, True)
        await keys.claim(machine)
        [run] = await keys.pending(machine)
        assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["laptop", "desktop"]
    [run] = await keys.pending(made.stack_id)
    assert {name for name in run.inputs if run.inputs[name] != made.inputs[name]} == {"ssh_public_keys"}


async def test_the_machine_stays_what_it_was_while_its_keys_change(keys: Keys) -> None:
    machine = await keys.make()
    await keys.add("laptop")
    run = await keys.claim(machine)
    assert (await keys.on()).workstation.status is WorkstationStatus.RUNNING
    await keys.stage.fail(run)
    assert (await keys.on()).workstation.status is WorkstationStatus.RUNNING


async def test_two_keys_in_a_row_take_one_run(keys: Keys) -> None:
    machine = await keys.make()
    await keys.add("laptop")
    await keys.add("desktop")
    [_] = await keys.pending(machine)
    await keys.carry_out(machine)
    found = await keys.on()
    assert found.is_up_to_date
    assert names(found.certain) == ["desktop", "laptop", "stationmaster"]


async def test_a_key_that_comes_while_keys_change_follows_in_a_run_of_its_own(keys: Keys) -> None:
    machine = await keys.make()
    await keys.add("laptop")
    run = await keys.claim(machine)
    await keys.add("desktop")
    assert [each.is_queued for each in await keys.pending(machine)] == [False, True]
    await keys.stage.carry_out(run)
    assert names((await keys.on()).certain) == ["laptop", "stationmaster"]
    await keys.carry_out(machine)
    assert (await keys.on()).is_up_to_date


async def test_what_is_queued_takes_the_keys_with_it(keys: Keys) -> None:
    machine = await keys.create()
    await keys.add("laptop")
    [provision] = await keys.pending(machine)
    assert provision.kind is RunKind.PROVISION
    assert (await keys.on()).will_be_up_to_date
    await keys.carry_out(machine)
    assert names((await keys.on()).certain) == ["laptop", "stationmaster"]
    assert await keys.pending(machine) == []


async def test_an_order_that_is_carried_out_needs_no_keys(keys: Keys) -> None:
    machine = await keys.make()
    async with keys.stage.acting("grace") as ctx:
        await orders.request(ctx, await ctx.session.get_one(Workstation, machine), RunKind.RESTART)
    restart = await keys.claim(machine)
    # As a worker does that looks after machines whose last run ended lately.
    async with keys.stage.acting("grace") as ctx:
        await machine_keys.deploy(ctx, await ctx.session.get_one(Workstation, machine))
    assert [run.id for run in await keys.pending(machine)] == [restart]


async def test_a_key_waits_behind_the_building_of_its_machine(keys: Keys) -> None:
    machine = await keys.create()
    provision = await keys.claim(machine)
    await keys.add("laptop")
    assert [run.kind for run in await keys.pending(machine)] == [RunKind.PROVISION, RunKind.REKEY]
    await keys.stage.carry_out(provision)
    await keys.carry_out(machine)
    assert (await keys.on()).is_up_to_date


async def test_a_queued_change_is_kept_and_brings_the_keys(keys: Keys) -> None:
    machine = await keys.make()
    asked = (await keys.stage.change(machine, disk_size_gb=200)).id
    await keys.add("laptop")
    [run] = await keys.pending(machine)
    assert run.id == asked
    assert await keys.claim(machine) == asked
    [run] = await keys.pending(machine)
    assert (run.inputs["disk_size_gb"], len(run.inputs["ssh_public_keys"])) == (200, 2)


async def test_keys_queued_behind_a_change_that_fails_do_not_make_that_change(keys: Keys) -> None:
    machine = await keys.make()
    await keys.stage.change(machine, disk_size_gb=200)
    change = await keys.claim(machine)
    await keys.add("laptop")
    await keys.stage.fail(change)
    await keys.claim(machine)
    [run] = await keys.pending(machine)
    assert (run.inputs["disk_size_gb"], len(run.inputs["ssh_public_keys"])) == (100, 2)


async def test_a_change_cancelled_in_the_queue_leaves_the_keys_to_a_run_of_theirs(keys: Keys) -> None:
    machine = await keys.make()
    asked = (await keys.stage.change(machine, disk_size_gb=200)).id
    await keys.add("laptop")

    await keys.stage.cancel(asked)
    await keys.claim(machine)
    [run] = await keys.pending(machine)
    assert (run.kind, run.inputs["disk_size_gb"]) == (RunKind.REKEY, 100)


async def test_a_change_asked_for_takes_the_place_and_the_keys_of_a_run_of_keys(keys: Keys) -> None:
    machine = await keys.make()
    await keys.add("laptop")
    asked = (await keys.stage.change(machine, disk_size_gb=200)).id
    await keys.claim(machine)
    [run] = await keys.pending(machine)
    assert (run.id, len(run.inputs["ssh_public_keys"])) == (asked, 2)


async def test_what_waits_for_a_decision_is_not_superseded_by_keys(keys: Keys) -> None:
    machine = await keys.make()
    await keys.stage.change(machine, disk_size_gb=50)
    asked = await keys.claim(machine)

    async with keys.stage.working_on(asked) as (ctx, run):
        await lifecycle.await_approval(ctx, run, [])
    await keys.add("laptop")
    waiting, rekey = await keys.pending(machine)
    assert (waiting.id, waiting.can_approve, rekey.kind) == (asked, True, RunKind.REKEY)
    found = await keys.on()
    assert found.waits_for_decision
    assert found.run
    assert found.run.id == asked


async def test_a_deleted_key_is_said_to_be_there_until_it_is_gone_for_sure(keys: Keys) -> None:
    lost = await keys.add("lost-laptop")
    await keys.add("desktop")
    machine = await keys.make()
    await keys.delete(lost)
    assert (await keys.on()).leftover == ["lost-laptop"]

    await keys.stage.fail(await keys.claim(machine))
    found = await keys.on()
    assert (found.leftover, found.can_retry, found.will_be_up_to_date) == (["lost-laptop"], True, False)
    assert names(found.certain) == ["desktop"]
    assert await keys.pending(machine) == []

    failed = found.last
    assert failed
    await keys.stage.retry(failed.id)
    await keys.carry_out(machine)
    found = await keys.on()
    assert (found.leftover, found.is_up_to_date) == ([], True)
    with pytest.raises(ConflictError, match="already"):
        await keys.stage.retry(failed.id)


async def test_a_retry_of_an_old_run_brings_no_deleted_key_back(keys: Keys) -> None:
    lost = await keys.add("lost-laptop")
    machine = await keys.create()
    failed = await keys.claim(machine)
    await keys.stage.fail(failed)
    await keys.add("desktop")
    await keys.delete(lost)

    await keys.stage.retry(failed)
    await keys.claim(machine)
    [run] = await keys.pending(machine)
    assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["desktop"]


async def test_without_keys_nobody_is_let_in_and_the_next_pair_goes_to_all(keys: Keys) -> None:
    only = await keys.add("laptop")
    machine = await keys.make()
    await keys.delete(only)
    await keys.carry_out(machine)
    assert (await keys.on()).possible == {}
    await keys.create("dev-2")
    await keys.claim(machine)
    [run] = await keys.pending(machine)
    assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["stationmaster"]


async def test_a_machine_that_goes_is_left_alone(keys: Keys) -> None:
    machine = await keys.make()
    await keys.stage.destroy(machine, keep_disk=False)
    await keys.add("laptop")
    assert [run.kind for run in await keys.pending(machine)] == [RunKind.DESTROY]
    found = await keys.on()
    assert (found.will_be_up_to_date, found.is_up_to_date, found.can_retry) == (False, False, False)


async def test_a_destroy_asked_for_before_anything_was_claimed_has_all_of_terraforms_variables(keys: Keys) -> None:
    machine = await keys.create()
    [provision] = await keys.pending(machine)
    await keys.stage.destroy(machine, keep_disk=False)
    await keys.claim(machine)
    [destroy] = await keys.pending(machine)
    assert destroy.inputs == {**provision.inputs, "ssh_public_keys": [], "disk_only": False}


async def test_a_destroy_says_of_the_keys_what_the_run_before_it_brought(keys: Keys) -> None:
    machine = await keys.make()
    await keys.stage.change(machine, disk_size_gb=120)
    changing = await keys.claim(machine)
    await keys.stage.destroy(machine, keep_disk=False)
    await keys.add("laptop")
    await keys.stage.carry_out(changing)
    await keys.claim(machine)
    [destroy] = await keys.pending(machine)
    assert destroy.inputs["disk_size_gb"] == 120
    assert [key.split()[-1] for key in destroy.inputs["ssh_public_keys"]] == ["stationmaster"]
