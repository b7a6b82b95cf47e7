"""From Google's and Terraform's error texts to what a person can do next. The raw text always stays beside the hint."""

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
        "An admin worked on this by hand, and did not give it back in time.",
        "Check the machine against what Google has (or change it): that plan finds what was made meanwhile.",
    ),
    (
        r"does not have enough resources available|ZONE_RESOURCE_POOL_EXHAUSTED|"
        r"is currently unavailable in the .* zone|Consider trying your request in the",
        "Google has none of these machines left in this zone right now.",
        "This is a stock-out, not a quota. Retry in a while, or remove this machine and ask for one in another zone or "
        "of another type.",
    ),
    (
        r"Quota 'GPUS_ALL_REGIONS' exceeded",
        "The project's quota of GPUs over all regions is used up (for new projects it is 0).",
        "An admin requests a higher GPUS_ALL_REGIONS quota in the Google Cloud console; until then destroy an idle "
        "GPU machine or take a CPU one.",
    ),
    (
        r"Quota '(PREEMPTIBLE_)?NVIDIA_\w+_GPUS' exceeded",
        "The project's quota of this GPU in this region is used up.",
        "Destroy an idle machine with this GPU, try another region or (its quota is separate) Spot, or have an admin "
        "request more.",
    ),
    (
        r"Quota '(\w*_)?CPUS(_ALL_REGIONS)?' exceeded",
        "The project's quota of CPUs is used up.",
        "Take a smaller machine, destroy an idle one, or have an admin request more.",
    ),
    (
        r"Quota 'IN_USE_ADDRESSES' exceeded|Quota 'STATIC_ADDRESSES' exceeded",
        "The project's quota of external IP addresses is used up.",
        "Destroy a machine that is not needed, or have an admin request more addresses.",
    ),
    (
        r"Quota 'SSD_TOTAL_GB' exceeded",
        "The project's quota of SSD space in this region is used up; balanced disks count as SSD.",
        "Ask for a smaller or a standard disk, delete a kept one, or have an admin request more.",
    ),
    (
        r"Quota '\w+' exceeded|quotaExceeded",
        "A quota of the project is used up.",
        "The raw text names it. Free some of it, or have an admin request more.",
    ),
    (
        r"has not been used in project .* before or it is disabled|SERVICE_DISABLED",
        "A Google API that this needs is not enabled in the project.",
        "An admin enables it (the raw text has the link) and waits a few minutes; then retry.",
    ),
    (
        r"requires billing to be enabled|BILLING_DISABLED",
        "The project has no billing account.",
        "An admin links one in the Google Cloud console; then retry.",
    ),
    (
        r"does not have access to service account|iam\.serviceAccounts\.actAs",
        "The portal may not hand this service account to a machine.",
        "An admin grants roles/iam.serviceAccountUser on it to the portal's service account; then retry.",
    ),
    (
        r"constraints/compute\.vmExternalIpAccess",
        "The organisation's policy allows no external IP addresses.",
        "An admin asks for an exception for this project, or connects through IAP.",
    ),
    (
        r"Key creation is not allowed on this service account",
        "The organisation's policy allows no service account keys.",
        "Use impersonation instead of a key.",
    ),
    (
        r"Required '[\w.]+' permission|IAM_PERMISSION_DENIED|Error 403",
        "The portal's service account is not allowed to do this.",
        "An admin grants it the permission that the raw text names (roles/compute.admin has those for machines); "
        "then retry.",
    ),
    (
        r"are not compatible for creating instance",
        "This machine type, GPU and disk do not go together.",
        "Remove this machine and ask for another combination.",
    ),
    (
        r"acceleratorTypes/.* was not found",
        "This GPU is not offered in this zone.",
        "Remove this machine and ask for one in a zone that has the GPU.",
    ),
    (
        r"do not support live migration",
        "Machines with a GPU cannot be moved while they run.",
        "on_host_maintenance must be TERMINATE: this is a fault of the portal's Terraform, tell your admin.",
    ),
    (
        r"Machine type with name '.*' does not exist in zone|machineTypes/.*' (was not found|does not exist)",
        "This machine type is not offered in this zone.",
        "Remove this machine and ask for one in another zone.",
    ),
    (
        r"Could not find image or family",
        "The boot image is not offered any more.",
        "Remove this machine and choose another image; tell your admin that the catalog names a retired one.",
    ),
    (
        r"cannot be smaller than the image size",
        "The boot disk is smaller than its image.",
        "Tell your admin: the boot disk's size in the catalog must grow.",
    ),
    (
        r"IP_IN_USE_BY_ANOTHER_RESOURCE",
        "The IP address is taken by another machine.",
        "Retry once the other machine is gone.",
    ),
    (
        r"is already being used by|resourceInUseByAnotherResource",
        "A disk that this needs is attached to another machine.",
        "Detach it there (or destroy that machine, keeping the disk), then retry.",
    ),
    (
        r"Couldn't find free blocks in allocated IP ranges",
        "The private address range is used up.",
        "An admin allocates a larger range.",
    ),
    (
        r"Invalid Tier \(.*\) for \(ENTERPRISE_PLUS\) Edition",
        "This database size does not exist in the edition that was asked for.",
        "An admin sets the edition to ENTERPRISE.",
    ),
    (
        r"please set allow_stopping_for_update = true",
        "This change needs the machine to be stopped.",
        "Confirm the stop, then ask again.",
    ),
    (
        r"is somebody else's\. It was not touched",
        "Something of this name exists at Google and is not this machine's.",
        "Ask for a machine with another name, or have an admin remove what is in the way; then retry.",
    ),
    (
        r"is not what was asked for: it would be replaced",
        "What an earlier attempt made does not fit what was asked for.",
        "Retry to have it replaced, or remove the machine and ask for it anew.",
    ),
    (
        r"Undoing this would lose the data disk",
        "The change was not undone: that would have cost the data.",
        "The machine is as the change left it. Change it as you want it, or retry.",
    ),
    (
        r"Saved plan is stale",
        "Something changed between the plan and its approval.",
        "Retry: a new plan is made, and asked about again.",
    ),
    (
        r"Given up after \d+ interrupted attempts",
        "The workers that took this run were lost, again and again.",
        "An admin has a look at the workers' logs and memory. A retry takes over what was made.",
    ),
    (
        r"alreadyExists|already exists",
        "Something of this name exists at Google already.",
        "Retry: the portal takes over what is its own. If it is somebody else's, use another name.",
    ),
    (
        r"Error acquiring the state lock",
        "Another Terraform works on this machine's state.",
        "Wait for the other run to end, then retry.",
    ),
    (
        r"could not find default credentials|invalid_grant|Reauthentication",
        "The portal has no valid Google credentials.",
        "An admin signs the worker in again (a service account, or gcloud auth application-default login).",
    ),
    (
        r"did not say that it has booted",
        "The machine is there, but has not said that it has booted.",
        "Retry: it waits for the machine again. If that does not help, its serial console tells how far it booted.",
    ),
    (
        r"did not answer by SSH",
        "The machine has booted, but does not answer by SSH as it should.",
        "The raw text says what a worker met there: nothing (a firewall?), or another host key. Then retry.",
    ),
    (
        r"is not ready\b|resourceNotReady",
        "Google is busy with this machine, or it is switched off.",
        "The Google Cloud console shows what goes on with it. Retry once it runs.",
    ),
    (
        r"Terraform was killed|Plugin did not respond|Plugin error|transport is closing|error reading from server|"
        r"Failed to (load plugin|obtain provider) schema|failed to instantiate provider|"
        r"Unrecognized remote plugin message",
        "Terraform was killed in the middle of its work, again and again.",
        "Often the worker's machine has too little memory: an admin has a look. A retry takes over what was made.",
    ),
    (
        r"Error 5\d\d|Error 429|^(5\d\d|429) (GET|POST|Google)|rateLimitExceeded|timeout while waiting|"
        r"connection re(set|fused)|i/o timeout|EOF\b|TLS handshake timeout",
        "Google did not answer as it should; this is usually temporary.",
        "Retry in a minute.",
    ),
)

_HINTS = tuple((re.compile(pattern, re.IGNORECASE), Hint(title, action)) for pattern, title, action in _TABLE)
UNKNOWN = Hint("This ended with an error.", "The raw text says what. Retry, or show it to your admin.")


def find(error: str) -> Hint:
    """The first hint whose pattern is in the text; a general one when none is."""
    return next((hint for pattern, hint in _HINTS if pattern.search(error)), UNKNOWN)
