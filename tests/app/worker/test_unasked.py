"""Nothing is replaced, stopped or deleted unasked: what a plan does beyond the request waits for a decision."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.models import Run, RunStatus, Workstation
from app.services import decisions, runs, workstations
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.people import members
from app.services.workstations import drift
from app.services.workstations.specs import WorkstationPatch
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.decide import MACHINE
from app.worker.execute import carry_out, execute
from tests.app.worker.scripted import DISK, Script, provisioned, run_of, tells, workstation_of, writes_state
from tests.parts import MovingClock, identity

pytestmark = pytest.mark.anyio


def plans_to(script: Script, action: str, address: str = MACHINE, **changed: tuple[object, object]) -> None:
    """The next plan does this to one resource: attribute → value before and after."""
    before, after = ({name: values[side] for name, values in changed.items()} for side in (0, 1))
    actions = ["delete", "create"] if action == "replace" else [action]
    type_ = address.rpartition(".")[0].rpartition(".")[2]
    resource = {"address": address, "mode": "managed", "type": type_, "name": "workstation"}
    shown: dict[str, Any] = {
        "resource_changes": [{**resource, "change": {"actions": actions, "before": before, "after": after}}]
    }
    script.on("plan", "echo plan > tfplan\n" + tells("planned_change", address, action))
    script.on("show", f"cat <<'END'\n{json.dumps(shown)}\nEND\n")


async def ask(tools: Tools, workstation_id: str, what: str = "change", fields: dict[str, object] | None = None) -> str:
    """Grace asks for a change of her machine, or a check."""
    async with as_grace(tools) as ctx:
        workstation = await workstations.find(ctx.session, ctx.member, workstation_id)
        if what == "check":
            return (await workstations.request_check(ctx, workstation)).id
        if what == "keep":
            return (await drift.keep(ctx, workstation)).id
        patch = WorkstationPatch.model_validate(fields or {})
        return (await workstations.request_change(ctx, workstation, patch)).id


@asynccontextmanager
async def as_grace(tools: Tools) -> AsyncIterator[Context]:
    async with tools.database.sessions.begin() as session:
        ctx = tools.context(session)
        yield ctx.acting(await members.sign_in(ctx, identity("grace")))


@pytest.mark.parametrize(
    ("action", "changed", "awaited"),
    [
        ("replace", {}, "replace"),
        ("delete", {}, "delete"),
        ("update", {"machine_type": ("e2-standard-8", "e2-standard-4")}, "stop"),
        ("update", {"service_account": ([], [{"email": "a@b"}])}, "stop"),
    ],
)
async def test_growing_a_disk_that_would_replace_or_stop_the_machine_waits(
    tools: Tools, script: Script, action: str, changed: dict[str, Any], awaited: str
) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, action, **changed)
    run_id = await ask(tools, workstation_id, fields={"disk_size_gb": 200})
    await execute(tools, run_id)
    run = await run_of(tools, run_id)
    assert (run.status, run.awaits) == (RunStatus.AWAITING_APPROVAL, [{"address": MACHINE, "action": awaited}])
    assert (run.does_more_than_requested, run.confirmations) == (True, [])
    assert (await workstation_of(tools, workstation_id)).is_running


@pytest.mark.parametrize(
    ("fields", "action", "changed"),
    [
        ({"disk_size_gb": 200}, "update", {"metadata": ({}, {"a": "b"})}),
        ({"machine_type": "e2-standard-8"}, "update", {"machine_type": ("e2-standard-4", "e2-standard-8")}),
        ({"spot": True}, "replace", {}),
    ],
)
async def test_what_the_page_said_before_goes_on_without_asking(
    tools: Tools, script: Script, fields: dict[str, object], action: str, changed: dict[str, Any]
) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, action, **changed)
    run_id = await ask(tools, workstation_id, fields=fields)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED


async def test_a_change_of_type_that_would_replace_the_machine_waits(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "replace")
    run_id = await ask(tools, workstation_id, fields={"machine_type": "e2-standard-8"})
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.AWAITING_APPROVAL


async def test_approved_the_very_plan_is_applied(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "replace")
    run_id = await ask(tools, workstation_id)
    await execute(tools, run_id)
    async with as_grace(tools) as ctx:
        await decisions.approve(ctx, await runs.find(ctx.session, ctx.member, run_id), [])
    script.on("apply", writes_state(7))
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    assert script.calls[-1].endswith("tfplan")


async def test_a_check_changes_nothing_and_says_that_the_machine_has_drifted(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    before = await workstation_of(tools, workstation_id)
    plans_to(script, "replace")
    run_id = await ask(tools, workstation_id, "check")
    await execute(tools, run_id)
    after = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.PLANNED
    assert (after.has_drifted, after.drift_run_id, after.status) == (True, run_id, before.status)
    assert [call.split()[0] for call in script.calls] == ["apply", "plan", "show"]


async def test_after_a_check_nothing_follows(tools: Tools, script: Script, clock: MovingClock) -> None:
    workstation_id = await provisioned(tools, script)
    clock.advance(minutes=1)
    script.on("plan", "true")
    await execute(tools, await ask(tools, workstation_id, "check"))
    async with tools.database.sessions() as session:
        assert await runs.pending(session, workstation_id) == []


async def test_a_check_without_differences_ends_an_earlier_notice(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "update", machine_type=("e2-standard-8", "e2-standard-4"))
    await execute(tools, await ask(tools, workstation_id, "check"))
    script.on("plan", "true")
    run_id = await ask(tools, workstation_id, "check")
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.NO_CHANGES
    assert not (await workstation_of(tools, workstation_id)).has_drifted


async def keepable(tools: Tools, workstation_id: str) -> dict[str, Any]:
    async with tools.database.sessions() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        return await drift.keepable(session, workstation, Catalog.load(tools.settings.catalog_file))


async def test_what_google_has_can_be_kept(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "update", machine_type=("e2-standard-8", "e2-standard-4"))
    await execute(tools, await ask(tools, workstation_id, "check"))
    assert await keepable(tools, workstation_id) == {"machine_type": "e2-standard-8"}
    script.on("plan", "true")
    run_id = await ask(tools, workstation_id, "keep")
    await execute(tools, run_id)
    after = await workstation_of(tools, workstation_id)
    assert (await run_of(tools, run_id)).status is RunStatus.NO_CHANGES
    assert (after.machine_type, after.has_drifted) == ("e2-standard-8", False)


@pytest.mark.parametrize(
    ("address", "changed"),
    [
        (MACHINE, {"machine_type": ("m9-huge", "e2-standard-4")}),
        (MACHINE, {"machine_type": ("e2-standard-8", "e2-standard-4"), "labels": ({}, {"a": "b"})}),
        (DISK, {"type": ("pd-ssd", "pd-balanced")}),
    ],
)
async def test_other_differences_cannot_be_kept(
    tools: Tools, script: Script, address: str, changed: dict[str, Any]
) -> None:
    workstation_id = await provisioned(tools, script)
    plans_to(script, "update", address, **changed)
    await execute(tools, await ask(tools, workstation_id, "check"))
    assert await keepable(tools, workstation_id) == {}


async def test_a_machine_is_not_stopped_for_a_service_account(tools: Tools, script: Script) -> None:
    workstation_id = await provisioned(tools, script)
    with_account = tools.settings.model_copy(update={"service_account_email": "later@test-project.example"})
    tools = replace(tools, settings=with_account)
    run_id = await ask(tools, workstation_id, fields={"disk_size_gb": 200})
    async with tools.database.sessions() as session:
        assert (await session.get_one(Run, run_id)).inputs["service_account_email"] is None
    other = await ask(tools, workstation_id, fields={"machine_type": "e2-standard-8"})
    async with tools.database.sessions() as session:
        run = await session.get_one(Run, other)
        assert run.inputs["service_account_email"] == "later@test-project.example"


async def test_a_change_that_is_queued_behind_another_keeps_the_account_that_this_one_brings(
    tools: Tools, script: Script, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    clock.advance(minutes=1)
    account = "later@test-project.example"
    settings = tools.settings.model_copy(update={"service_account_email": account})
    first = await ask(replace(tools, settings=settings), workstation_id, fields={"machine_type": "e2-standard-8"})
    claim = await claims.take(replace(tools, settings=settings), first)
    assert claim
    # The shared stack, whose account it was, is deleted meanwhile.
    second = await ask(tools, workstation_id, fields={"disk_size_gb": 200})
    plans_to(script, "update", machine_type=("e2-standard-4", "e2-standard-8"))
    await carry_out(claim)
    assert (await run_of(tools, first)).inputs["service_account_email"] == account

    plans_to(script, "update", DISK, size=(100, 200))
    await execute(tools, second)
    assert (await run_of(tools, second)).inputs["service_account_email"] == account
