"""A workstation as the API answers it."""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from app.models import Member, Workstation, WorkstationStatus
from app.models.home_folder import HomePlace
from app.models.machine_health import Aspect, Level
from app.models.machine_report import BootStage, MountState
from app.routers.api.office_hours import OfficeHoursAnswer
from app.services.catalog import Catalog
from app.services.workstations import existing
from app.services.workstations.existing import Existing
from app.services.workstations.listing import Listed


class MountAnswer(BaseModel):
    """The data disk and the boot disk, as the machine sees them. Sizes are in bytes."""

    model_config = ConfigDict(from_attributes=True)

    state: MountState
    device: str | None
    file_system: str | None
    size_bytes: int | None
    free_bytes: int | None
    boot_size_bytes: int | None
    """Free space of the boot disk's file system."""
    boot_free_bytes: int | None
    at: datetime | None
    reason: str | None
    """Why it is not mounted at /home/jupyter, as a sentence."""


class MemoryAnswer(BaseModel):
    """The machine's memory. Sizes are in bytes."""

    model_config = ConfigDict(from_attributes=True)

    total_bytes: int
    available_bytes: int
    pressure: float
    """How much of the last minute all processes waited for memory, in percent."""
    kills: int
    """How many processes Linux has ended since the boot, because memory ran out."""
    killed_at: datetime | None
    killed: str | None
    """The name of the process that was ended last."""


class MachineAnswer(BaseModel):
    """What the machine reports; null if it has reported nothing."""

    model_config = ConfigDict(from_attributes=True)

    stage: BootStage | None
    """How far its startup script is, since stage_at."""
    stage_at: datetime | None
    mount: MountAnswer | None
    driver: str | None
    """The GPU driver: "none" without a GPU, "missing", "broken" (it is installed and does not work), or the driver's
    version."""
    memory: MemoryAnswer | None


class FindingAnswer(BaseModel):
    """How one thing is."""

    model_config = ConfigDict(from_attributes=True)

    check: Aspect
    level: Level
    message: str
    """A sentence for people."""


class HealthAnswer(BaseModel):
    """How a running machine is, by its reports and its SSH port."""

    model_config = ConfigDict(from_attributes=True)

    level: Level
    """The worst of the findings; "unknown" for a machine that does not run."""
    checked_at: datetime | None
    """When its report was last read."""
    findings: list[FindingAnswer]


class WorkstationAnswer(BaseModel):
    """One workstation."""

    id: str
    name: str
    status: WorkstationStatus
    run_id: str | None
    """The ID of its newest run."""
    machine_type: str
    accelerator: str | None
    zone: str
    image: str
    snapshot: str | None
    boot_disk_size_gb: int
    disk_size_gb: int
    disk_type: str
    disk_kept: bool
    restart_preempted: bool | None
    """Whether it is started again after a preemption; null: as the team's policy says."""
    wait_hours: int
    """For how long a start or change waits if Google has no capacity; 0: it fails."""
    moves_itself: bool
    """Whether it moves to another zone of its region by itself if Google has no capacity to start it."""
    spot: bool
    home_on_data_disk: bool
    """Whether the home folder is to be on the data disk, from the machine's next start on."""
    home_place: HomePlace
    """Where the home folder is now."""
    address: str | None
    ssh_username: str
    host_keys: dict[str, str]
    machine: MachineAnswer
    reported_at: datetime | None
    """When a worker last read the machine's report."""
    health: HealthAnswer
    google_status: str | None
    """Google's word for the machine, or ABSENT; null until it was asked."""
    google_status_since: datetime | None
    price_per_hour_usd: Decimal | None
    """Estimated as it is now, as of the catalog's date: a stopped one costs its disks and its address, and one that has
    failed costs what exists of it."""
    office_hours: OfficeHoursAnswer | None
    ends_on: date | None
    """The last day on which it is used."""
    deletes_at: datetime | None
    """When it is deleted, except for its data disk; null until it was stopped for its end date."""
    owner: str
    """The email address of the member whose it is."""
    running_since: datetime | None
    """Since when Google runs and bills the machine."""
    run_limit_at: datetime | None
    """When Google stops the machine because it has run for as long as the team's policy allows; null for never."""
    used_at: datetime | None
    """When somebody was last logged in; null if that is unknown."""
    created_at: datetime
    running_at: datetime | None
    destroyed_at: datetime | None


class ListedWorkstationAnswer(WorkstationAnswer):
    """A workstation as in a list, with its usage of the current month (UTC)."""

    hours_this_month: float
    """How long the machine ran."""
    cost_this_month_usd: Decimal | None
    """Estimated from the catalog's prices; null if one is unknown."""


def answer(
    workstation: Workstation, owner: Member, run_id: str | None, catalog: Catalog, exists: Existing | None = None
) -> WorkstationAnswer:
    """The row as JSON.

    :param exists: what exists of one that has failed.
    """
    price = existing.price_per_hour(workstation, catalog, exists)
    named = WorkstationAnswer.model_fields.keys() - {"owner"}
    fields = {name: getattr(workstation, name) for name in named if hasattr(workstation, name)}
    rounded = price.quantize(Decimal("0.0001")) if price is not None else None
    return WorkstationAnswer.model_validate(
        {**fields, "owner": owner.email, "run_id": run_id, "price_per_hour_usd": rounded}
    )


def listed_answer(
    row: Listed, run_id: str | None, catalog: Catalog, exists: Existing | None
) -> ListedWorkstationAnswer:
    """The row of a list as JSON."""
    cost = row.usage.cost
    return ListedWorkstationAnswer(
        **answer(row.workstation, row.workstation.owner, run_id, catalog, exists).model_dump(),
        hours_this_month=round(row.usage.hours, 2),
        cost_this_month_usd=cost.quantize(Decimal("0.01")) if cost is not None else None,
    )
