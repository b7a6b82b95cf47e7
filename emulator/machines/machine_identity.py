"""What a machine's identity token says of it: https://cloud.google.com/compute/docs/instances/verifying-instance-identity."""

from datetime import datetime

from emulator.core.ids import last
from emulator.core.projects import project_number
from emulator.core.store import CloudResource, Json
from emulator.rules.checks import scoped
from emulator.views.common import fixed_number, head


def account_of(instance: CloudResource) -> str | None:
    """The email address of its service account. A machine without one gets no tokens."""
    accounts = instance.state.get("service_account") or []
    return next((str(account["email"]) for account in accounts if account.get("email")), None)


def claims_of(instance: CloudResource, account: str, audience: str, *, is_full: bool) -> Json:
    """Without when it was issued, by whom, and when it expires.

    :param is_full: with what is said of the machine (`format=full`).
    """
    subject = fixed_number(account)
    claims: Json = {"aud": audience, "azp": subject, "sub": subject}
    if not is_full:
        return claims
    where = scoped(instance)
    created = head("instance", instance, where.name)["creationTimestamp"]
    machine = {
        "instance_creation_timestamp": int(datetime.fromisoformat(created).timestamp()),
        "instance_id": str(instance.number),
        "instance_name": last(instance.id),
        "project_id": where.project,
        "project_number": int(project_number(where.project)),
        "zone": where.zone,
    }
    return {**claims, "email": account, "email_verified": True, "google": {"compute_engine": machine}}
