"""Known error texts of Google: pattern, title, action. The first match counts."""

NO_CAPACITY = "Google has no capacity for this machine type in this zone right now."
SNAPSHOT_RATE = "Google takes six snapshots of a disk an hour at most."
TABLE: tuple[tuple[str, str, str], ...] = (
    (
        r"Quota exceeded for quota metric|Rate Limit Exceeded|rateLimitExceeded",
        "The project has sent Google too many requests per minute.",
        "Retry in a minute. If this happens often, ask an admin to request a higher quota for this API.",
    ),
    (
        r"Too frequent operations from the source resource",
        SNAPSHOT_RATE,
        "Retry in an hour.",
    ),
    (
        r"IP '[\d.]+' is already being used by another resource|External IP address: \S+ is already in-use|"
        r"IP_IN_USE_BY",
        "The IP address is in use by another machine.",
        "Retry after the other machine has been deleted.",
    ),
    (
        r"can't reuse the name of the deleted instance",
        "Google keeps the name of a deleted database for a week.",
        "Do not retry: ask an admin to give the database another name (sql_generation), or to wait for a week.",
    ),
    (
        r"Producer services .* are still using this connection",
        "Google still uses the network's private service connection.",
        "Google releases it some days after the last database has been deleted. Keep the connection, or retry then.",
    ),
    (
        r"bucket name is not available",
        "A bucket with this name exists in another project.",
        "Bucket names are unique across Google Cloud. Ask an admin to choose another prefix.",
    ),
    (
        r"accountDisabled|billing account .* is disabled",
        "The project's billing account is disabled.",
        "Ask an admin to check it in the Google Cloud console, then retry.",
    ),
    (
        r"concurrent policy changes",
        "The project's IAM policy was changed at the same time.",
        "Retry in a minute.",
    ),
    (
        r"ProjectIamPolicyError[^]]*roles/owner|roles/owner[^]]*ProjectIamPolicyError",
        "Google does not grant the Owner role to this principal.",
        "Owners are users, groups and service accounts of the organization. Others must accept an invitation in "
        "the Google Cloud console first.",
    ),
    (
        r"Machine type cannot be changed from",
        "Google cannot change this machine to that machine type.",
        "The machine is stopped. Change it back and start it, or delete the workstation, keep its disk, and "
        "create a new one.",
    ),
    (
        r"undefined value for `discard-local-ssd`",
        "A machine with local SSDs cannot be stopped for this change.",
        "Delete the workstation, keep its disk, and create a new one with the settings you need.",
    ),
    (
        r"New disk size .* must be larger than existing size",
        "A disk cannot be made smaller.",
        "Choose the size it has, or a larger one.",
    ),
    (
        r"does not have enough resources available|ZONE_RESOURCE_POOL_EXHAUSTED|"
        r"is currently unavailable in the .* zone|Consider trying your request in the",
        NO_CAPACITY,
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
        r"constraints/compute\.requireOsLogin",
        "The organization policy does not allow this: OS Login is required.",
        "The portal's SSH keys do not work with OS Login. Ask an admin to request an exception for this project.",
    ),
    (
        r"constraints/compute\.disableGuestAttributesAccess",
        "The organization policy does not allow this: guest attributes are disabled.",
        "The portal needs them to read host keys. Ask an admin to request an exception for this project.",
    ),
    (
        r"constraints/compute\.trustedImageProjects",
        "The organization policy does not allow this: images of this project are not trusted.",
        "Ask an admin to add the image's project to the policy, or choose another image.",
    ),
    (
        r"constraints/gcp\.resourceLocations",
        "The organization policy does not allow this: this location is not allowed.",
        "Choose another zone, or ask an admin to add this location to the policy.",
    ),
    (
        r"constraints/compute\.requireShieldedVm",
        "The organization policy does not allow this: Shielded VM is required.",
        "Ask an admin to request an exception for this project, or choose another image.",
    ),
    (
        r"constraints/iam\.disableServiceAccountKeyCreation",
        "The organization policy does not allow this: service account keys are not allowed.",
        "Use impersonation instead of a key.",
    ),
    (
        r"constraints/\S+ violated|violates constraint",
        "An organization policy does not allow this.",
        "The full error message names the policy. Ask an admin to request an exception for this project.",
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
        r"The disk resource .* is already being used by",
        "A required disk is attached to another machine.",
        "Detach it there, or delete that machine and keep the disk. Then retry.",
    ),
    (
        r"is already being used by|resourceInUseByAnotherResource",
        "Another resource still uses this one.",
        "The full error message names both. Delete or change the other one first, then retry.",
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
        r"alreadyExists|already exists",
        "A resource with this name already exists at Google.",
        "Retry: the portal takes over its own resources. If it belongs to something else, use another name.",
    ),
    (
        r"could not find default credentials|invalid_grant|Reauthentication|Error 401\b|authError",
        "The portal has no valid Google credentials.",
        "Ask an admin to sign the worker in again (a service account, or gcloud auth application-default login).",
    ),
    (
        r"is not ready\b|resourceNotReady",
        "Google is working on this machine, or it is stopped.",
        "Check its status in the Google Cloud console. Retry once it is running.",
    ),
    (
        r"Error 5\d\d|Error 429|^(5\d\d|429) (GET|POST|Google)|rateLimitExceeded|timeout while waiting|"
        r"connection re(set|fused)|i/o timeout|EOF\b|TLS handshake timeout|context deadline exceeded|no such host|"
        r"client connection lost|Internal error\. .*\(Code: |Error code 13\b",
        "Google returned a temporary error.",
        "This is usually temporary. Retry in a minute.",
    ),
)
