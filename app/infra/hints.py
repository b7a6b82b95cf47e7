"""Explanations of Google's and Terraform's error messages, each with what a person can do about it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Hint:
    """What happened, and the next action."""

    title: str
    action: str


_TABLE: tuple[tuple[str, str, str], ...] = (
    (
        r"The checkout's time was over",
        "A checkout expired before it was checked in.",
        "Check the workstation for drift, or edit it. The plan will include resources that were created by hand.",
    ),
    (
        r"does not have enough resources available|ZONE_RESOURCE_POOL_EXHAUSTED|"
        r"is currently unavailable in the .* zone|Consider trying your request in the",
        "Google has no capacity for this machine type in this zone right now.",
        "This is a capacity shortage, not a quota. Retry later, or delete this workstation and create one in another "
        "zone or with another machine type.",
    ),
    (
        r"Quota 'GPUS_ALL_REGIONS' exceeded",
        "The project's quota for GPUs in all regions is used up.",
        "Ask an admin to request a higher GPUS_ALL_REGIONS quota in the Google Cloud console (it is 0 for new "
        "projects). Until then, delete an unused GPU workstation or choose a CPU machine type.",
    ),
    (
        r"Quota '(PREEMPTIBLE_)?NVIDIA_\w+_GPUS' exceeded",
        "The project's quota for this GPU in this region is used up.",
        "Delete an unused workstation with this GPU, try another region or Spot (which has a separate quota), or ask "
        "an admin to request more quota.",
    ),
    (
        r"Quota '(\w*_)?CPUS(_ALL_REGIONS)?' exceeded",
        "The project's quota for CPUs is used up.",
        "Choose a smaller machine type, delete an unused workstation, or ask an admin to request more quota.",
    ),
    (
        r"Quota 'IN_USE_ADDRESSES' exceeded|Quota 'STATIC_ADDRESSES' exceeded",
        "The project's quota for external IP addresses is used up.",
        "Delete an unused workstation, or ask an admin to request more quota.",
    ),
    (
        r"Quota 'SSD_TOTAL_GB' exceeded",
        "The project's quota for SSD disks in this region is used up. Balanced disks count as SSD.",
        "Choose a smaller or standard disk, delete a kept disk, or ask an admin to request more quota.",
    ),
    (
        r"Quota '\w+' exceeded|quotaExceeded",
        "A quota of the project is used up.",
        "The full error message names the quota. Free some of it, or ask an admin to request more.",
    ),
    (
        r"has not been used in project .* before or it is disabled|SERVICE_DISABLED",
        "A required Google API is not enabled in the project.",
        "Ask an admin to enable it (the full error message has the link). Wait a few minutes, then retry.",
    ),
    (
        r"requires billing to be enabled|BILLING_DISABLED",
        "The project has no billing account.",
        "Ask an admin to link one in the Google Cloud console, then retry.",
    ),
    (
        r"does not have access to service account|iam\.serviceAccounts\.actAs",
        "The portal is not allowed to attach this service account to a machine.",
        "Ask an admin to grant roles/iam.serviceAccountUser on it to the portal's service account, then retry.",
    ),
    (
        r"constraints/compute\.vmExternalIpAccess",
        "The organization policy does not allow external IP addresses.",
        "Ask an admin to request an exception for this project, or connect through IAP.",
    ),
    (
        r"Key creation is not allowed on this service account",
        "The organization policy does not allow service account keys.",
        "Use impersonation instead of a key.",
    ),
    (
        r"Required '[\w.]+' permission|IAM_PERMISSION_DENIED|Error 403",
        "The portal's service account does not have permission to do this.",
        "Ask an admin to grant it the permission named in the full error message (for machines, roles/compute.admin "
        "includes it), then retry.",
    ),
    (
        r"are not compatible for creating instance",
        "This combination of machine type, GPU and disk is not supported.",
        "Delete this workstation and create one with another combination.",
    ),
    (
        r"acceleratorTypes/.* was not found",
        "This GPU is not available in this zone.",
        "Delete this workstation and create one in a zone that has the GPU.",
    ),
    (
        r"do not support live migration",
        "Machines with a GPU do not support live migration.",
        "on_host_maintenance must be TERMINATE. This is an error in the portal's Terraform code: contact an admin.",
    ),
    (
        r"Machine type with name '.*' does not exist in zone|machineTypes/.*' (was not found|does not exist)",
        "This machine type is not available in this zone.",
        "Delete this workstation and create one in another zone.",
    ),
    (
        r"Could not find image or family",
        "The boot image is no longer available.",
        "Delete this workstation and choose another image. Tell an admin that the catalog lists a retired image.",
    ),
    (
        r"cannot be smaller than the image size",
        "The boot disk is smaller than its image.",
        "Contact an admin: the portal's boot disk size is too small for this image.",
    ),
    (
        r"IP_IN_USE_BY_ANOTHER_RESOURCE",
        "The IP address is in use by another machine.",
        "Retry after the other machine has been deleted.",
    ),
    (
        r"is already being used by|resourceInUseByAnotherResource",
        "A required disk is attached to another machine.",
        "Detach it there, or delete that machine and keep the disk. Then retry.",
    ),
    (
        r"Couldn't find free blocks in allocated IP ranges",
        "The private IP range is used up.",
        "Ask an admin to allocate a larger range.",
    ),
    (
        r"Invalid Tier \(.*\) for \(ENTERPRISE_PLUS\) Edition",
        "This database size is not available in the requested edition.",
        "Ask an admin to set the edition to ENTERPRISE.",
    ),
    (
        r"please set allow_stopping_for_update = true",
        "This change requires the machine to stop.",
        "Confirm the stop, then try again.",
    ),
    (
        r"is somebody else's\. It was not touched",
        "A resource with this name exists at Google and belongs to something else.",
        "Create a workstation with another name, or ask an admin to remove the conflicting resource, then retry.",
    ),
    (
        r"is not what was asked for: it would be replaced",
        "A resource from an earlier attempt does not match the requested settings.",
        "Retry to replace it, or delete the workstation and create it again.",
    ),
    (
        r"Undoing this would lose the data disk",
        "The change was not rolled back, because that would delete the data disk.",
        "The changes made so far are kept. Edit the workstation, or retry.",
    ),
    (
        r"Saved plan is stale",
        "Something changed between the plan and its approval.",
        "Retry to create a new plan and review it.",
    ),
    (
        r"Given up after \d+ interrupted attempts",
        "The run was interrupted repeatedly because its workers stopped.",
        "Ask an admin to check the workers' logs and memory. A retry continues with the resources that exist.",
    ),
    (
        r"alreadyExists|already exists",
        "A resource with this name already exists at Google.",
        "Retry: the portal takes over its own resources. If it belongs to something else, use another name.",
    ),
    (
        r"Error acquiring the state lock",
        "Another Terraform process is using this state.",
        "Wait for the other run to finish, then retry.",
    ),
    (
        r"could not find default credentials|invalid_grant|Reauthentication",
        "The portal has no valid Google credentials.",
        "Ask an admin to sign the worker in again (a service account, or gcloud auth application-default login).",
    ),
    (
        r"did not say that it has booted",
        "The machine exists but has not reported a successful boot.",
        "Retry to wait for it again. If that does not help, check its serial console for boot errors.",
    ),
    (
        r"did not answer by SSH",
        "The machine has booted but does not accept SSH connections.",
        "The full error message shows the response: none (check the firewall), or an unexpected host key. Then retry.",
    ),
    (
        r"is not ready\b|resourceNotReady",
        "Google is working on this machine, or it is stopped.",
        "Check its status in the Google Cloud console. Retry once it is running.",
    ),
    (
        r"Terraform was killed|Plugin did not respond|Plugin error|transport is closing|error reading from server|"
        r"Failed to (load plugin|obtain provider) schema|failed to instantiate provider|"
        r"Unrecognized remote plugin message",
        "Terraform was killed repeatedly while it was running.",
        "Ask an admin to check the worker's memory. A retry continues with the resources that exist.",
    ),
    (
        r"Error 5\d\d|Error 429|^(5\d\d|429) (GET|POST|Google)|rateLimitExceeded|timeout while waiting|"
        r"connection re(set|fused)|i/o timeout|EOF\b|TLS handshake timeout",
        "Google returned a temporary error.",
        "This is usually temporary. Retry in a minute.",
    ),
)

_HINTS = tuple((re.compile(pattern, re.IGNORECASE), Hint(title, action)) for pattern, title, action in _TABLE)
UNKNOWN = Hint("The run failed.", "The full error message shows why. Retry, or show it to an admin.")


def find(error: str) -> Hint:
    """The first hint whose pattern is in the text; a general one when none is."""
    return next((hint for pattern, hint in _HINTS if pattern.search(error)), UNKNOWN)
