"""The shared stack's outputs as terraform/shared has them, and who looks at them."""

from typing import Any

from app.services.shared.infrastructure import Surroundings
from app.services.shared.infrastructure_parts import Reader

PROJECT = "ml-team"
ACCOUNT = f"workstation-vision@{PROJECT}.iam.gserviceaccount.com"
WRITER = f"artifacts-vision@{PROJECT}.iam.gserviceaccount.com"
STORAGE = f"storage-vision@{PROJECT}.iam.gserviceaccount.com"

ALWAYS: dict[str, Any] = {
    "project": PROJECT,
    "region": "europe-west1",
    "iam_admins": ["user:ada@example.com"],
    "member_service_account_emails": {},
    "mlflow_firewall_names": [],
    "ssh_firewall_name": "allow-ssh-vision",
    "workstation_service_account_email": ACCOUNT,
}
OF_PART: dict[str, dict[str, Any]] = {
    "mlflow": {
        "mlflow_url": "http://203.0.113.9:5000",
        "mlflow_address": "203.0.113.9",
        "mlflow_zone": "europe-west1-b",
        "mlflow_instance_name": "mlflow-vision",
        "mlflow_bucket_name": "mlflow-artifacts-vision",
        "mlflow_member_username": "member",
        "mlflow_admin_username": "admin",
        "mlflow_member_password_secret": "MLFLOW-MEMBER-PASSWORD-vision",
        "mlflow_admin_password_secret": "MLFLOW-ADMIN-PASSWORD-vision",
        "mlflow_firewall_names": ["mlflow-access-vision"],
    },
    "docker": {
        "docker_registry_url": f"europe-west1-docker.pkg.dev/{PROJECT}/container-registry-vision",
        "docker_registry_name": "container-registry-vision",
        "artifact_writer_service_account": WRITER,
    },
    "pypi": {
        "pypi_registry_url": f"https://europe-west1-python.pkg.dev/{PROJECT}/pypi-registry-vision",
        "pypi_registry_name": "pypi-registry-vision",
        "artifact_writer_service_account": WRITER,
    },
    "storage": {
        "data_bucket_name": "data-vision",
        "data_logs_bucket_name": "data-logs-vision",
        "evaluation_bucket_name": "evaluation-results-vision",
        "data_bucket_service_account": STORAGE,
    },
    "sql": {
        "sql_instance_name": "postgres-vision",
        "sql_private_address": "10.77.0.3",
        "sql_connection_name": f"{PROJECT}:europe-west1:postgres-vision",
        "sql_user": "mlflow",
        "sql_database": None,
        "sql_password_secret": "POSTGRESQL-PASSWORD-vision",
    },
    "kubernetes": {
        "kubernetes_cluster_name": "kubernetes-vision",
        "kubernetes_location": "europe-west1",
        "kubernetes_network_name": "kubernetes-vision",
        "kubernetes_service_account": f"gke-pods-vision@{PROJECT}.iam.gserviceaccount.com",
        "pods_ip_range": "10.20.0.0/16",
    },
}
GRACE = Reader("grace@example.com", "grace", ACCOUNT, may_impersonate=False)
ADA = Reader("ada@example.com", "ada", ACCOUNT, may_impersonate=True)
AROUND = Surroundings("default", ("198.51.100.0/24",), allowed_ips=3, workstations=4, running=2)


def outputs(*parts: str) -> dict[str, Any]:
    """Of a stack with these parts; what is off is null, as Terraform has it."""
    null = {name: None for part in OF_PART.values() for name in part}
    found = {**null, **ALWAYS}
    for part in parts:
        found |= OF_PART[part]
    return found


EVERYTHING = outputs(*OF_PART)
NOTHING = outputs()
