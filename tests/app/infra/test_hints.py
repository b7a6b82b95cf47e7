"""Google's error texts find their hints."""

import pytest

from app.infra import hints

TEXTS = {
    "Error waiting for instance to create: The zone 'projects/p/zones/z' does not have enough resources available to "
    "fulfill the request.  Try a different zone, or try again later. (ZONE_RESOURCE_POOL_EXHAUSTED)": "no capacity",
    "A g2-standard-8 VM instance is currently unavailable in the europe-west4-a zone. Consider trying your request in "
    "the europe-west4-b zone(s)": "no capacity",
    "Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally.": "quota for GPUs in all regions",
    "Quota 'NVIDIA_L4_GPUS' exceeded.  Limit: 1.0 in region europe-west4.": "quota for this GPU",
    "Quota 'PREEMPTIBLE_NVIDIA_T4_GPUS' exceeded.": "quota for this GPU",
    "Quota 'N2_CPUS' exceeded.": "quota for CPUs",
    "Quota 'CPUS_ALL_REGIONS' exceeded.": "quota for CPUs",
    "Quota 'CPUS' exceeded.": "quota for CPUs",
    "Quota 'IN_USE_ADDRESSES' exceeded.": "external IP addresses",
    "Quota 'SSD_TOTAL_GB' exceeded.": "SSD disks",
    "Quota 'SNAPSHOTS' exceeded.": "A quota",
    "Compute Engine API has not been used in project 1 before or it is disabled.": "not enabled",
    "This API method requires billing to be enabled.": "no billing account",
    "googleapi: Error 403: Required 'compute.instances.create' permission for 'projects/p', forbidden": "permission",
    "The user does not have access to service account 'a@p.iam.gserviceaccount.com'.": "service account to a machine",
    "[g2-standard-8, nvidia-tesla-t4] features are not compatible for creating instance.": "is not supported",
    "The resource 'projects/p/zones/z/acceleratorTypes/nvidia-l4' was not found": "GPU is not available",
    "Instances with guest accelerators do not support live migration.": "do not support live migration",
    "Machine type with name 'g2-standard-8' does not exist in zone 'z'.": "machine type is not available",
    "Could not find image or family old/one": "boot image",
    "Requested disk size cannot be smaller than the image size (50 GB)": "boot disk is smaller",
    "The disk resource 'd' is already being used by 'i'": "attached to another machine",
    "External IP address is in use, IP_IN_USE_BY_ANOTHER_RESOURCE": "IP address is in use",
    "Constraint constraints/compute.vmExternalIpAccess violated for project 1.": "external IP addresses",
    "Key creation is not allowed on this service account.": "service account keys",
    "Couldn't find free blocks in allocated IP ranges.": "IP range",
    "Invalid Tier (db-f1-micro) for (ENTERPRISE_PLUS) Edition.": "edition",
    "please set allow_stopping_for_update = true in your config": "machine to stop",
    "googleapi: Error 409: The resource 'x' already exists, alreadyExists": "exists at Google",
    "Error acquiring the state lock": "Another Terraform",
    "could not find default credentials": "credentials",
    "googleapi: Error 503: backend error, backendError": "temporary error",
    "disks/d exists at Google already and is somebody else's. It was not touched.": "belongs to something else",
    "a.b was found, but is not what was asked for: it would be replaced.": "does not match",
    "Undoing this would lose the data disk (a.b): left as it is.": "delete the data disk",
    "Error: Saved plan is stale": "between the plan and its approval",
    "Given up after 10 interrupted attempts.": "workers stopped",
    "Error: Plugin did not respond": "killed repeatedly",
    "name-abc did not say that it has booted, with its SSH host keys, within 10 minutes.": "a successful boot",
    "name-abc did not answer by SSH with the host key that it has within 10 minutes.": "does not accept SSH",
    "400 POST https://compute.googleapis.com/x/reset: The resource 'x' is not ready": "working on this machine",
    "503 POST https://compute.googleapis.com/x/reset: backend error": "temporary error",
    "504 Google has not ended operation-1 (reset) in 2 minutes": "temporary error",
}


@pytest.mark.parametrize(("text", "title"), TEXTS.items())
def test_each_known_error_has_its_own_hint(text: str, title: str) -> None:
    hint = hints.find(text)
    assert title in f"{hint.title} {hint.action}"
    assert hint.action


STOCK_OUT = "googleapi: Error 503: The zone does not have enough resources available, ZONE_RESOURCE_POOL_EXHAUSTED"


def test_an_unknown_error_has_a_general_hint() -> None:
    assert hints.find("something never seen") is hints.UNKNOWN
