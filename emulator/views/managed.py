"""What Google runs by itself: databases as the Cloud SQL Admin API shows them, clusters as the GKE API does."""

from emulator.core.attachments import first
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context
from emulator.views.common import without_empty

CLUSTER = "google_container_cluster"


def sql_instance_view(context: Context, resource: CloudResource) -> Json:
    state, settings = resource.state, first(resource.state, "settings")
    return without_empty(
        {
            "kind": "sql#instance",
            "name": state["name"],
            "project": context.project,
            "region": state.get("region"),
            "connectionName": state.get("connection_name"),
            "databaseVersion": state.get("database_version"),
            "backendType": "SECOND_GEN",
            "instanceType": "CLOUD_SQL_INSTANCE",
            # One that is stopped is runnable too: its policy says so.
            "state": "PENDING_CREATE" if resource.cloud["status"] == "CREATING" else "RUNNABLE",
            "settings": without_empty(
                {
                    "kind": "sql#settings",
                    "tier": settings.get("tier"),
                    "activationPolicy": settings.get("activation_policy") or "ALWAYS",
                }
            ),
        }
    )


def cluster_view(context: Context, resource: CloudResource) -> Json:
    state = resource.state
    return without_empty(
        {
            "name": state["name"],
            "location": state.get("location"),
            "status": "PROVISIONING" if resource.cloud["status"] == "CREATING" else "RUNNING",
            "clusterIpv4Cidr": state.get("cluster_ipv4_cidr"),
            "resourceLabels": state.get("resource_labels"),
            "autopilot": {"enabled": bool(state.get("enable_autopilot"))},
        }
    )
