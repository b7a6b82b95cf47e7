"""What Google runs by itself: databases as the Cloud SQL Admin API shows them, clusters as the GKE API does."""

from ..attachments import first
from ..rules import World
from ..rules.network import SQL_INSTANCE
from ..store import CloudObject, Json
from .common import without_empty

CLUSTER = "google_container_cluster"
__all__ = ["CLUSTER", "SQL_INSTANCE", "cluster_view", "sql_instance_view"]


def sql_instance_view(world: World, thing: CloudObject) -> Json:
    state, settings = thing.state, first(thing.state, "settings")
    return without_empty(
        {
            "kind": "sql#instance",
            "name": state["name"],
            "project": world.project,
            "region": state.get("region"),
            "connectionName": state.get("connection_name"),
            "databaseVersion": state.get("database_version"),
            "backendType": "SECOND_GEN",
            "instanceType": "CLOUD_SQL_INSTANCE",
            # One that is stopped is runnable too: its policy tells.
            "state": "PENDING_CREATE" if thing.cloud["status"] == "CREATING" else "RUNNABLE",
            "settings": without_empty(
                {
                    "kind": "sql#settings",
                    "tier": settings.get("tier"),
                    "activationPolicy": settings.get("activation_policy") or "ALWAYS",
                }
            ),
        }
    )


def cluster_view(world: World, thing: CloudObject) -> Json:
    state = thing.state
    return without_empty(
        {
            "name": state["name"],
            "location": state.get("location"),
            "status": "PROVISIONING" if thing.cloud["status"] == "CREATING" else "RUNNING",
            "clusterIpv4Cidr": state.get("cluster_ipv4_cidr"),
            "resourceLabels": state.get("resource_labels"),
            "autopilot": {"enabled": bool(state.get("enable_autopilot"))},
        }
    )
