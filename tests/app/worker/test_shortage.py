"""A shortage of capacity: the run goes on elsewhere while there is no data to lose, and everybody learns of it."""

import json
from collections.abc import Sequence

import pytest

from app.infra.machines import MachineState, OperationFailedError
from app.models import Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.models.placement import Placement
from app.services import workstations
from app.services.catalog import zone_capacities
from app.services.people import members
from app.services.workstations import kept_disks
from app.services.workstations.kept_disks import MachineSpec
from app.services.workstations.specs import WorkstationSpec
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import (
    Script,
    ask_destroy,
    log_of,
    provisioned,
    run_of,
    tells,
    workstation_of,
    writes_state,
)
from tests.app.worker.test_power import as_grace, ask, google, stopped
from tests.app.worker.test_restart import hurried
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio
A, B, C = "europe-west4-a", "europe-west4-b", "europe-west4-c"
GPU = "g2-standard-4"
CPU_IMAGE = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"


def none_in(zone: str, suggested: str = "") -> str:
    """Shell that fails as Terraform does where Google has no capacity."""
    detail = f"The zone '{zone}' does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"
    if suggested:
        detail += f" Consider trying your request in the {suggested} zone(s), which currently has capacity"
    said = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "No luck", "detail": detail}}
    return f"cat <<'END'\n{json.dumps(said)}\nEND\nexit 1"


_RENUMBER = r"""n=$(sed -n 's/.*"serial": \([0-9]*\).*/\1/p' terraform.tfstate 2>/dev/null)
n=$((${n:-0} + 1))
renumber() { sed -i "s/\"serial\": [0-9]*/\"serial\": $n/" terraform.tfstate; }
"""


def google_lacks(script: Script, zones: Sequence[str], suggested: str = "") -> None:
    """A Terraform that creates a disk and no machine in these zones, and deletes what it is told to."""
    script.on("plan", 'echo plan > tfplan; echo "$*" > ../plan\n' + tells("planned_change", "a", "create"))
    failing = [(f'*\'"zone": "{zone}"\'*)', writes_state(3), "renumber", none_in(zone, suggested)) for zone in zones]
    cases = "".join("\n".join(case) + " ;;\n" for case in failing)
    empties = f"{writes_state(4, empty=True)}renumber\nexit 0"
    deletes = f'case "$*" in *tfplan*) if grep -q destroy ../plan; then\n{empties}\nfi ;; esac\n'
    creates = f'case "$(cat terraform.tfvars.json)" in\n{cases}*)\n{writes_state(5, disk_gb=100)}renumber ;; esac'
    script.on("apply", _RENUMBER + deletes + creates)


async def request(tools: Tools, **fields: object) -> tuple[str, str]:
    """Grace asks for a machine in the first zone; returns the ids of the workstation and its run."""
    spec = WorkstationSpec.model_validate({"name": "dev-1", "machine_type": GPU, "zone": A, **fields})
    async with tools.database.transaction() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        requested = await workstations.request(tools.context(session).acting(grace), grace, spec)
        return requested.workstation.id, requested.run.id


async def seen(tools: Tools, machine_type: str = GPU) -> dict[tuple[str, bool], bool]:
    """Zone and Spot → whether Google had one."""
    async with tools.database.sessions() as session:
        found = await zone_capacities.of(session, tools.catalog, tools.clock(), machine_type)
        return {(each.zone, each.spot): each.has_any for each in found}


async def tried(tools: Tools, run_id: str) -> list[str]:
    return [str(each.placement) for each in (await run_of(tools, run_id)).tried]


async def test_a_stock_out_in_two_zones_ends_with_a_machine_in_the_third(tools: Tools, script: Script) -> None:
    google_lacks(script, [A, B])
    workstation_id, run_id = await request(tools)
    await execute(tools, run_id)
    workstation = await workstation_of(tools, workstation_id)

    assert ((await run_of(tools, run_id)).status, workstation.status) == (RunStatus.APPLIED, WorkstationStatus.RUNNING)
    assert (workstation.zone, await tried(tools, run_id)) == (C, [f"{GPU} in {A}", f"{GPU} in {B}"])
    assert (await run_of(tools, run_id)).inputs["zone"] == C
    assert await seen(tools) == {(A, False): False, (B, False): False, (C, False): True}
    assert f"Trying {GPU} in {B}." in await log_of(tools, run_id)


async def test_the_zones_that_google_names_are_tried_first(tools: Tools, script: Script) -> None:
    google_lacks(script, [A], suggested=C)
    workstation_id, run_id = await request(tools)
    await execute(tools, run_id)

    assert (await workstation_of(tools, workstation_id)).zone == C
    assert await tried(tools, run_id) == [f"{GPU} in {A}"]


async def test_then_comes_the_other_price_and_then_the_second_machine_type(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    fields = {"spot": True, "other_zones": "none", "other_pricing": True, "second_machine_type": "e2-standard-8"}
    workstation_id, run_id = await request(tools, **fields)
    run = await run_of(tools, run_id)
    await execute(tools, run_id)
    workstation, run = await workstation_of(tools, workstation_id), await run_of(tools, run_id)

    assert (run.status, workstation.status) == (RunStatus.ERRORED, WorkstationStatus.FAILED)
    assert await tried(tools, run_id) == [
        *(f"{GPU} in {A} as Spot", f"{GPU} in {A}"),
        *(f"e2-standard-8 in {A} as Spot", f"e2-standard-8 in {A}"),
    ]
    assert (workstation.machine_type, workstation.accelerator_count, workstation.spot) == ("e2-standard-8", 0, False)
    assert workstation.image == run.inputs["boot_image"] == CPU_IMAGE
    assert (run.inputs["gpu"], run.inputs["spot"]) == (False, False)


async def test_google_may_not_answer_just_after_a_stock_out(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    google_lacks(script, [A])
    compute, troubles = google(tools), [ConnectionRefusedError("not now")]
    answered = compute.machine

    async def machine(zone: str, instance: str) -> MachineState | None:
        if troubles:
            raise troubles.pop()
        return await answered(zone, instance)

    monkeypatch.setattr(compute, "machine", machine)
    workstation_id, run_id = await request(tools)
    await execute(hurried(tools), run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert (await workstation_of(tools, workstation_id)).zone == B


async def test_who_wants_one_zone_only_is_told_at_once(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    workstation_id, run_id = await request(tools, other_zones="none")
    await execute(tools, run_id)

    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert (await workstation_of(tools, workstation_id)).zone == A
    assert await seen(tools) == {(A, False): False}


async def test_a_worker_that_is_lost_on_the_way_is_followed_by_one_that_tries_the_rest(
    tools: Tools, script: Script
) -> None:
    google_lacks(script, [A, B])
    workstation_id, run_id = await request(tools)
    # The first worker was lost in the first zone, after Google had said no.
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        run.claim("lost", "host-1", tools.clock())
        run.begin_apply(tools.clock())
        run.note_shortage(Placement(A, GPU, False), tools.clock())
        run.interrupt(tools.clock())
    await execute(tools, run_id)

    assert (await workstation_of(tools, workstation_id)).zone == C


async def test_a_kept_disk_stays_in_its_zone(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", "a", "delete"))
    script.on("apply", writes_state(6, disk_gb=100))
    await execute(tools, await ask_destroy(tools, workstation_id, keep_disk=True))
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        run_id = (await kept_disks.request_machine(ctx, workstation, MachineSpec())).id
    zone = (await workstation_of(tools, workstation_id)).zone
    script.on("apply", none_in(zone))
    await execute(tools, run_id)

    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    assert not [call for call in script.calls if "-destroy" in call]


async def test_a_start_that_google_has_no_capacity_for_is_remembered_and_so_is_one_that_works(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id = await stopped(tools, script)
    stock_out = "start: Error 503: The zone does not have enough resources available. ZONE_RESOURCE_POOL_EXHAUSTED"
    google(tools).reset_troubles = [OperationFailedError(stock_out)]
    workstation = await workstation_of(tools, workstation_id)
    here = (workstation.zone, workstation.spot)
    clock.advance(minutes=1)
    await execute(tools, await ask(tools, workstation_id, RunKind.START))
    had = await seen(tools, workstation.machine_type)
    clock.advance(minutes=1)
    await execute(tools, await ask(tools, workstation_id, RunKind.START))

    assert (had, await seen(tools, workstation.machine_type)) == ({here: False}, {here: True})


async def test_what_was_seen_a_week_ago_says_nothing_any_more(tools: Tools, script: Script, clock: MovingClock) -> None:
    google_lacks(script, [A])
    _, run_id = await request(tools, other_zones="none")
    await execute(tools, run_id)
    clock.advance(days=8)

    assert await seen(tools) == {}


async def test_another_type_with_the_same_gpu_says_as_much(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    _, run_id = await request(tools, other_zones="none")
    await execute(tools, run_id)

    assert await seen(tools, "g2-standard-8") == {(A, False): False}
    assert await seen(tools, "g2-standard-24") == {}
    assert await seen(tools, "e2-standard-4") == {}


async def test_the_same_request_joins_its_run_wherever_that_is_by_now(tools: Tools, script: Script) -> None:
    google_lacks(script, [A])
    workstation_id, run_id = await request(tools)
    async with tools.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        workstation.take({"zone": B})

    assert await request(tools) == (workstation_id, run_id)
