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
    "googleapi: Error 400: The network resource 'n' is already being used by 'f', resourceInUse": "still uses",
    "Error waiting for instance to create: IP '34.1.2.3' is already being used by another resource.": "in use by",
    "Error waiting for instance to create: External IP address: 34.1.2.3 is already in-use.": "IP address is in",
    "Constraint constraints/compute.vmExternalIpAccess violated for project 1.": "external IP addresses",
    "googleapi: Error 412: Constraint constraints/compute.requireOsLogin violated., conditionNotMet": "Login"
    " is required",
    "googleapi: Error 412: Constraint constraints/compute.disableGuestAttributesAccess violated": "guest attributes",
    "Error 412: Constraint constraints/compute.trustedImageProjects violated for project 1.": "not trusted",
    "Error 412: Constraint constraints/compute.requireShieldedVm violated for project 1.": "Shielded VM is required",
    "Error 412: Constraint constraints/iam.disableServiceAccountKeyCreation violated": "keys are not allowed",
    "Error 412: 'us-east1' violates constraint 'constraints/gcp.resourceLocations' on the resource 'x'.": "location is",
    "Error 412: Constraint constraints/compute.somethingNew violated for project 1.": "organization policy",
    "Error 403: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
    "'compute.googleapis.com' for consumer 'project_number:1'., rateLimitExceeded": "too many requests",
    "googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded": "too many requests",
    "googleapi: Error 409: The requested bucket name is not available. The bucket namespace is shared by all users of "
    "the system. Please select a different name and try again., conflict": "in another project",
    "googleapi: Error 403: The billing account for the owning project is disabled in state closed, "
    "accountDisabled": "billing account is disabled",
    "googleapi: Error 401: Request had invalid authentication credentials., authError": "no valid Google credentials",
    "Error waiting for instance to create: Internal error. Please try again or contact Google Support. (Code: "
    "'5F2A')": "temporary",
    "Error waiting for Create Service Networking Connection: Error code 13, message: Internal": "temporary",
    'Post "https://compute.googleapis.com": context deadline exceeded': "temporary",
    'Post "https://compute.googleapis.com": dial tcp: lookup compute.googleapis.com: no such host': "temporary",
    'Post "https://compute.googleapis.com": http2: client connection lost': "temporary",
    'Error applying IAM policy for project "p": Too many conflicts.  Latest error: googleapi: Error 409: There were '
    "concurrent policy changes. Please retry the whole read-modify-write with exponential backoff., aborted": "same",
    "Error, failed to create instance m: googleapi: Error 409: The Cloud SQL instance already exists. When you delete "
    "an instance, you can't reuse the name of the deleted instance until one week from now": "for a week",
    "Unable to remove Service Networking Connection, err: Error waiting for Delete Service Networking Connection: "
    "Error code 9, message: Failed to delete connection; Producer services (e.g. CloudSQL, etc.) are still "
    "using this connection.": "private service connection",
    'googleapi: Error 400: Request contains an invalid argument.\nDetails:\n[{"@type": "type.googleapis.com/google.'
    'cloudresourcemanager.v1.ProjectIamPolicyError", "member": "domain:x", "role": "roles/owner"}]': "Owner role",
    "Machine type cannot be changed from n2-standard-4 to a2-highgpu-1g.": "cannot change this machine",
    "VM has a Local SSD attached but an undefined value for `discard-local-ssd`.": "local SSDs",
    "New disk size '50' GB must be larger than existing size '80' GB.": "cannot be made smaller",
    "Key creation is not allowed on this service account.": "service account keys",
    "Couldn't find free blocks in allocated IP ranges.": "IP range",
    "Invalid Tier (db-f1-micro) for (ENTERPRISE_PLUS) Edition.": "edition",
    "please set allow_stopping_for_update = true in your config": "machine to stop",
    "googleapi: Error 409: The resource 'x' already exists, alreadyExists": "exists at Google",
    "Error acquiring the state lock": "Another Terraform",
    "could not find default credentials": "credentials",
    "googleapi: Error 503: backend error, backendError": "temporary error",
    "disks/d already exists at Google and belongs to something else. It was not changed.": "belongs to something else",
    "a.b exists at Google for this machine, but not as requested, and would be replaced.": "does not match",
    "Rolling back would delete the data disk (a.b), so it was not done.": "delete the data disk",
    "Error: Saved plan is stale": "between the plan and its approval",
    "Given up after 10 interrupted attempts.": "workers stopped",
    "Error: Plugin did not respond": "killed repeatedly",
    "name-abc did not report that it has booted, with its SSH host keys, within 10 minutes.": "a successful boot",
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


def test_a_stock_out_names_the_zones_that_google_suggests() -> None:
    hint = hints.find(
        "Error waiting for instance to create: The zone 'projects/p/zones/us-central1-b' does not have enough "
        "resources available to fulfill the request.\n\n\nA n1-standard-4 VM instance with 1 "
        "nvidia-tesla-t4 accelerator(s) is currently unavailable in the us-central1-b zone. Consider trying your "
        "request in the us-central1-a, us-central1-f zone(s), which currently has capacity to accommodate your request."
    )
    assert hint.action.endswith("Google has capacity in us-central1-a, us-central1-f.")


STOCK_OUT = "googleapi: Error 503: The zone does not have enough resources available, ZONE_RESOURCE_POOL_EXHAUSTED"


def test_an_unknown_error_has_a_general_hint() -> None:
    hint, code = hints.find("something never seen"), hints.unknown_code("something never seen")
    assert (hint.title, hint.action) == (hints.UNKNOWN.title, f"{hints.UNKNOWN.action} Error code: {code}.")


def test_an_unknown_error_has_the_same_code_whatever_it_names_and_a_known_one_has_none() -> None:
    first, again = (f'Error: odd thing at "projects/p/{name}"\n  line {line}' for name, line in (("a", 3), ("b", 40)))
    assert hints.unknown_code(first) == hints.unknown_code(again) != hints.unknown_code("Error: another thing")
    assert hints.unknown_code(STOCK_OUT) is None
