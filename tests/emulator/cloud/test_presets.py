"""What Terraform prints for each preset: as Google's real provider does."""

import pytest

from emulator.cloud.faults import MEANINGS, PRESETS, FaultInjector
from emulator.core.projects import project_number
from emulator.provider.errors import GoogleApiError, failed
from tests.emulator.world import IN_ZONE, PROJECT, ZONE, machine

MACHINE = f"{IN_ZONE}/instances/vm"
STATE = {
    **machine(nat_ip="203.0.113.9", machine_type="n1-standard-4"),
    "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 1}],
}
NUMBER = project_number(PROJECT)
WAITING, CREATING = "Error waiting for instance to create: ", "Error creating instance: googleapi: Error "
GRANT = f"{PROJECT}/roles/owner/user:ada@example.com"
NO_CAPACITY = (
    f"The zone 'projects/{PROJECT}/zones/{ZONE}' does not have enough resources available to fulfill the request."
)
TEXTS = {
    "stock-out": f"{WAITING}{NO_CAPACITY}  Try a different zone, or try again later.\n",
    "stock-out-zones": f"{WAITING}{NO_CAPACITY}  '(resource type:compute)'.\n\n\nA n1-standard-4 VM instance with 1 "
    f"nvidia-tesla-t4 accelerator(s) is currently unavailable in the {ZONE} zone. Consider trying your request in the "
    "europe-west4-b, europe-west4-c zone(s), which currently has capacity to accommodate your request. Alternatively, "
    "you can try your request again with a different VM hardware configuration or at a later time. For more "
    "information, see the troubleshooting documentation.\n\n\nTroubleshooting documentation\n"
    "https://cloud.google.com/compute/docs/resource-error\n",
    "quota": f"{WAITING}Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally.\n"
    "\tmetric name = compute.googleapis.com/gpus_all_regions\n\tlimit name = GPUS-ALL-REGIONS-per-project\n"
    "\tdimensions = map[global:global]\n",
    "forbidden": f"{CREATING}403: Required 'compute.instances.create' permission for '{MACHINE}', forbidden",
    "server-error": f"{CREATING}503: The service is currently unavailable., backendError",
    "internal-error": f"{WAITING}Internal error. Please try again or contact Google Support. (Code: "
    "'5F2A4C8B1D3E7.A9B0C1D.2E3F4A5B')\n",
    "connection-lost": f'Error creating instance: Post "https://compute.googleapis.com/compute/v1/{IN_ZONE}/instances'
    '?alt=json": http2: client connection lost',
    "rate-limit": f"{CREATING}403: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
    f"'compute.googleapis.com' for consumer 'project_number:{NUMBER}'., rateLimitExceeded",
    "address-in-use": f"{WAITING}External IP address: 203.0.113.9 is already in-use.\n",
    "bucket-taken": "googleapi: Error 409: The requested bucket name is not available. The bucket namespace is shared "
    "by all users of the system. Please select a different name and try again., conflict",
    "billing-disabled": f"{CREATING}403: The billing account for the owning project is disabled in state closed, "
    "accountDisabled",
    "org-policy": f"{CREATING}412: Constraint constraints/compute.vmExternalIpAccess violated for project {NUMBER}. "
    f"Add instance {MACHINE} to the constraint to use external IP with it., conditionNotMet",
    "location-policy": f"{CREATING}412: '{ZONE}' violates constraint 'constraints/gcp.resourceLocations' on the "
    f"resource '{MACHINE}'., conditionNotMet",
    "credentials": f"{CREATING}401: Request had invalid authentication credentials. Expected OAuth 2 access token, "
    "login cookie or other valid authentication credential., authError",
    "policy-conflict": f'Error applying IAM policy for project "{PROJECT}": Too many conflicts.  Latest error: Error '
    f'setting IAM policy for project "{PROJECT}": googleapi: Error 409: There were concurrent policy changes. Please '
    "retry the whole read-modify-write with exponential backoff., aborted",
}
ELSEWHERE = {"guest-attributes-limit", "mount-failure", "slow", "snapshot-quota"}
"""Presets that no create of Terraform's meets, or that only delay it."""
TARGETS = {
    "bucket-taken": ("google_storage_bucket", "data"),
    "policy-conflict": ("google_project_iam_member", GRANT),
}


def test_every_preset_has_a_meaning_and_its_text_here() -> None:
    assert PRESETS.keys() == MEANINGS.keys() == TEXTS.keys() | ELSEWHERE


@pytest.mark.parametrize("preset", TEXTS)
def test_terraform_prints_what_the_real_provider_prints(preset: str) -> None:
    type_, id_ = TARGETS.get(preset, ("google_compute_instance", MACHINE))
    faults = FaultInjector()
    faults.add({"preset": preset})
    fault = faults.inject("create", type_, id_)
    assert fault is not None
    error = fault.error(type_, id_, STATE)
    assert error is not None
    read = GoogleApiError.from_answer(error.code, error.for_terraform())
    assert failed("create", type_, {"id": id_}, read) == TEXTS[preset]
