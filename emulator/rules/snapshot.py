"""Snapshots of disks."""

from datetime import datetime, timedelta

from emulator.core.catalog import REGIONS
from emulator.core.errors import CloudError, invalid_field, not_found
from emulator.core.ids import DISK, SNAPSHOT, disk_id, last, region_of, zone_id
from emulator.core.store import CloudResource
from emulator.rules.base import Context, Rules
from emulator.rules.checks import scoped

MOST_AN_HOUR = 6
"""Snapshots of one disk, according to Google's documentation."""


class SnapshotRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        source = _source_id(resource)
        disk = context.store.get(DISK, source)
        if disk is None:
            raise not_found(source)
        recently = [each for each in context.store.all(SNAPSHOT) if _is_of_last_hour(context, each, source)]
        if len(recently) >= MOST_AN_HOUR:
            why = f"Operation rate exceeded for resource '{source}'. Too frequent operations from the source resource."
            raise CloudError(429, why, "resourceOperationRateExceeded")
        for place in resource.state.get("storage_locations") or []:
            if place not in REGIONS:
                raise invalid_field("resource.storageLocations", place, "Unknown region.")

    def accepted(self, context: Context, resource: CloudResource) -> None:
        super().accepted(context, resource)
        source = _source_id(resource)
        disk = context.store.get(DISK, source)
        resource.cloud |= {"source_disk": source, "disk_size_gb": int((disk and disk.state.get("size")) or 10)}
        resource.cloud["source_disk_number"] = str(disk.number) if disk else ""
        # By default Google chooses the multi-region that is nearest; here it is always the disk's own region.
        places = resource.state.get("storage_locations") or [region_of(last(zone_id(source)))]
        resource.cloud["storage_locations"] = list(places)


def _is_of_last_hour(context: Context, snapshot: CloudResource, source: str) -> bool:
    begun = datetime.fromisoformat(snapshot.cloud["created"])
    return snapshot.cloud["source_disk"] == source and context.clock() - begun < timedelta(hours=1)


def _source_id(resource: CloudResource) -> str:
    zone = f"projects/{scoped(resource).project}/zones/{resource.state.get('zone') or ''}"
    return disk_id(str(resource.state.get("source_disk") or ""), zone)
