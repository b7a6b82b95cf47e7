"""What a run tells of its resources."""

import pytest

from app.models import ResourceState, RunResource


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("module.compute[0].google_compute_instance.workstation", "compute_instance"),
        ('google_compute_firewall.ingress["mlflow-access"]', "compute_firewall"),
        ('module.services[0].google_project_service.this["storage.googleapis.com"]', "project_service"),
        ('google_project_iam_member.admin["user:a.b@x.com"]', "project_iam_member"),
        ('module.x["a.b"].google_storage_bucket.data', "storage_bucket"),
        ('module.x["a.b"].google_storage_bucket.data["c.d"]', "storage_bucket"),
    ],
)
def test_its_kind_is_its_type_without_the_provider(address: str, kind: str) -> None:
    assert RunResource(run_id="r", address=address, action="create", state=ResourceState.DONE).kind == kind
