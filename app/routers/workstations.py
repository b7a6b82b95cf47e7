"""The pages of workstations: the dashboard, one workstation, and the forms that create, restart and delete it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse

from app.deps import AvailabilityDep, ContextDep, MemberDep, PortalDep, SessionDep, WorkstationDep
from app.live import member_topic, stack_topic
from app.models import Member, RunKind, Workstation
from app.models.run_kinds import ORDERS
from app.models.workstation import DEVICE_PATH, MOUNT_POINT
from app.routers import streams, work_confirmation, workstation_form
from app.routers.work_confirmation import CONFIRMED
from app.sent_forms import SentFormDep, shown_on
from app.services import admin_inbox, runs, workstations
from app.services.context import Context
from app.services.keys import ssh_config, ssh_keys
from app.services.people import limits, team_policy
from app.services.runs import capacity_queue, progress, stacks
from app.services.shared import infrastructure
from app.services.workstations import (
    consoles,
    disk_sources,
    drift,
    existing,
    history,
    idle_stops,
    observations,
    orders,
    resting,
    snapshots,
    specs,
    spot_returns,
    ssh_setups,
)
from app.services.workstations.activities import Span
from app.views import capacity_offer, elsewhere, usage_charts
from app.views.run_view import view
from app.views.workstation_offers import offer_of
from app.web import redirect, render

router = APIRouter()
_PATHS = {"mount_point": MOUNT_POINT, "device_path": DEVICE_PATH}
PAGE = "/workstations/{workstation_id}"


@router.get("/")
async def dashboard(request: Request, portal: PortalDep, session: SessionDep, member: MemberDep) -> Response:
    """The member's workstations and kept disks."""
    ctx, listed = portal.context(session, member), await workstations.list_of(session, member)
    exists = await existing.of_incomplete(session, portal.vault, listed)
    offers = [offer_of(mine, portal.catalog, exists.get(mine.id)) for mine in listed]
    context = {
        "machines": [offer for offer in offers if not offer.workstation.is_destroyed],
        "kept_disks": [offer for offer in offers if offer.workstation.is_destroyed],
        "deleted_disks": await resting.of_member(ctx, member),
        "is_busy": any(offer.workstation.is_busy for offer in offers),
        "now": ctx.now,
        "next_tries": await capacity_queue.next_tries(session, listed),
        "ssh_setup": await ssh_setups.state(ctx),
        "plans": await runs.awaiting_approval(session, member),
        "without_disk": [mine for mine in listed if mine.is_without_disk],
        "dormant_after": (await team_policy.of_team(session)).dormant_after,
        "inbox": await admin_inbox.for_admins(ctx) if member.is_admin else None,
    }
    return render(request, "workstations/list.html", context, fragment="workstations/_list.html")


@router.get("/events")
async def my_events(request: Request, portal: PortalDep, member: MemberDep) -> StreamingResponse:
    """A signal whenever one of the member's workstations or runs changes."""
    return streams.event_stream(streams.changes(request, portal, member_topic(member.id)))


@router.get("/workstations/new")
async def new(request: Request, ctx: ContextDep, availability: AvailabilityDep, sent: SentFormDep) -> Response:
    """The form. Query parameters are the choices made so far, whose price it shows."""
    typed = workstation_form.chosen_so_far(request, sent)
    names = [mine.name for mine in await workstations.list_of(ctx.session, ctx.member)]
    context = workstation_form.context(ctx, typed, availability, names, sent.errors)
    context["allowance"] = await limits.of(ctx, ctx.member)
    sources = await disk_sources.choices(ctx, ctx.member)
    context["snapshot_options"] = workstation_form.snapshot_options(sources)
    context["has_keys"] = bool(await ssh_keys.list_of(ctx.session, ctx.member))
    chosen, zone = context["chosen"], context["form"]["zone"]
    is_available = chosen is not None and chosen.in_zone
    sizes = workstation_form.sizes_of(context["form"])
    context["capacity"] = await capacity_offer.of(ctx, chosen, context["form"], sizes)
    context["expectation"] = await progress.time_to_running(ctx.session, chosen.machine, zone) if is_available else None
    return render(request, "workstations/new.html", context, fragment="workstations/_form.html")


@router.post("/workstations", dependencies=[shown_on("/workstations/new")])
async def create(request: Request, ctx: ContextDep) -> Response:
    """Queue a new workstation."""
    spec = workstation_form.spec(await workstation_form.typed_into(request))
    requested = await workstations.request(ctx, ctx.member, spec)
    return redirect(f"/workstations/{requested.workstation.id}")


@router.get("/workstations/{workstation_id}")
async def show(
    request: Request, workstation: WorkstationDep, portal: PortalDep, ctx: ContextDep, usage: Span = Span.HOUR
) -> Response:
    """One workstation: its status, how to connect, and its runs."""
    session = ctx.session
    is_own = workstation.owner_id == ctx.member.id
    made = await runs.of_stack(session, workstation.id, history.MOST_OF_EACH)
    past = await history.of(session, workstation.id, made)
    current = runs.told_of(made, has_failed=workstation.has_failed)
    shown = await view(session, current, workstation, portal.clock()) if current else None
    exists = await existing.of_incomplete(session, portal.vault, [workstation])
    folder = f"vscode-remote/ssh-remote+{workstation.name}{MOUNT_POINT}"
    context: dict[str, Any] = {
        "workstation": workstation,
        "subject_name": workstation.name,
        "offer": offer_of(workstation, portal.catalog, exists.get(workstation.id)),
        "elsewhere": await elsewhere.of(ctx, current, workstation),
        "history": past,
        "snapshots": await snapshots.list_of(ctx, workstation),
        "boot_console": await consoles.read_of(session, past.failed_boot),
        "watch": await observations.watch(session),
        "now": portal.clock(),
        **await _policies(ctx, workstation),
        "view": shown,
        "is_busy": workstation.is_busy or bool(shown and shown.run.is_busy),
        "can_keep_drift": bool(await drift.keepable(session, workstation, portal.catalog)),
        "is_own": is_own,
        "ssh_setup": await ssh_setups.state(ctx) if is_own else None,
        "fingerprints": ssh_config.fingerprints(workstation),
        "vscode_url": f"vscode://{folder}",
        "cursor_url": f"cursor://{folder}",
        "forget_host": ssh_config.forget_command(workstation, portal.settings.ssh_port),
        **_PATHS,
        "larger_disks": specs.larger_disks(workstation),
        "mlflow_url": infrastructure.mlflow_url(await stacks.shared(session), portal.settings),
        **await usage_charts.context(ctx, workstation, usage),
    }
    return render(request, "workstations/show.html", context, fragment="workstations/_show.html")


async def _policies(ctx: Context, workstation: Workstation) -> dict[str, Any]:
    stop = await idle_stops.of(ctx, workstation)
    owner = await ctx.session.get_one(Member, workstation.owner_id)
    return {
        "idle_stop": stop,
        "dormant_after": stop.policy.dormant_after,
        "returns": await spot_returns.are_wished(ctx, workstation),
        "kept_off_by": workstation.kept_off_by(ctx.now, has_disabled_owner=owner.is_disabled),
        "owner": owner,
    }


@router.get("/workstations/{workstation_id}/events")
async def events(request: Request, workstation: WorkstationDep, portal: PortalDep) -> StreamingResponse:
    """A signal whenever this workstation changes."""
    return streams.event_stream(streams.changes(request, portal, stack_topic(workstation.id)))


@router.get("/workstations/{workstation_id}/restart")
async def restart_page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The confirmation, which says what a restart ends."""
    return render(request, "workstations/restart.html", work_confirmation.context(ctx, workstation, sent.errors))


@router.get("/workstations/{workstation_id}/suspend")
async def suspend_page(request: Request, workstation: WorkstationDep, ctx: ContextDep, sent: SentFormDep) -> Response:
    """The confirmation, which says what goes on afterwards and what does not."""
    return render(request, "workstations/suspend.html", work_confirmation.context(ctx, workstation, sent.errors))


@router.get("/workstations/{workstation_id}/stop")
async def stop_page(
    request: Request, workstation: WorkstationDep, portal: PortalDep, ctx: ContextDep, sent: SentFormDep
) -> Response:
    """The confirmation, which says what a stop ends and saves."""
    disks = specs.disks(workstation)
    price = portal.catalog.price_per_hour(
        workstation.machine_type, workstation.zone, disks, spot=workstation.spot, is_off=True
    )
    context = {"price": price, "mount_point": MOUNT_POINT, **work_confirmation.context(ctx, workstation, sent.errors)}
    return render(request, "workstations/stop.html", context)


ENDS_WORK = {RunKind.RESTART, RunKind.STOP, RunKind.SUSPEND}


def _add_order(order: RunKind) -> None:
    """One path for each order: start, stop, restart."""

    async def give(workstation: WorkstationDep, ctx: ContextDep) -> Response:
        await orders.request(ctx, workstation, order)
        return redirect(f"/workstations/{workstation.id}")

    path = f"{PAGE}/{order}"
    checks = [shown_on(path), CONFIRMED] if order in ENDS_WORK else [shown_on(PAGE)]
    router.add_api_route(path, give, methods=["POST"], name=f"{order} page", dependencies=checks)


for _order in ORDERS:
    _add_order(_order)


@router.get("/workstations/{workstation_id}/destroy")
async def destroy_page(
    request: Request, workstation: WorkstationDep, portal: PortalDep, ctx: ContextDep, sent: SentFormDep
) -> Response:
    """The confirmation, with the choice to keep the data disk if there is one."""
    exists = (await existing.of_incomplete(ctx.session, portal.vault, [workstation])).get(workstation.id)
    has_empty_disk = exists is not None and exists.has_empty_disk(workstation)
    context = {
        **work_confirmation.context(ctx, workstation, sent.errors),
        "exists": exists,
        "has_empty_disk": has_empty_disk,
        "keeps_disk": sent.get("keep_disk", "no" if has_empty_disk else "yes") == "yes",
        "at_once": bool(sent.get("at_once")),
        "disk_price": offer_of(workstation, portal.catalog).disk_price,
        "rest": await resting.offer_of(ctx, workstation),
        "mount_point": MOUNT_POINT,
    }
    return render(request, "workstations/destroy.html", context)


@router.post(f"{PAGE}/destroy", dependencies=[shown_on(f"{PAGE}/destroy"), CONFIRMED])
async def destroy(
    workstation: WorkstationDep,
    ctx: ContextDep,
    keep_disk: Annotated[Literal["yes", "no"], Form()] = "yes",
    at_once: Annotated[Literal["", "yes"], Form()] = "",
) -> Response:
    """Queue the deletion. The data disk is kept unless the form says otherwise."""
    await workstations.request_destroy(ctx, workstation, keep_disk=keep_disk == "yes", at_once=at_once == "yes")
    return redirect(f"/workstations/{workstation.id}")
