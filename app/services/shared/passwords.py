"""The passwords of what is shared: who may read which, and that it is written down."""

from dataclasses import dataclass

from app.errors import NotFoundError
from app.models import Action, Member, SharedStack
from app.services import audit
from app.services.context import Context
from app.services.shared import shared_stack
from app.services.shared.infrastructure_state import Outputs


@dataclass(frozen=True)
class Password:
    """One account that has a password, without it."""

    key: str
    part: str
    """The part that it opens."""
    title: str
    username: str
    """Output of terraform/shared that has the user name; null where there is no such account."""
    variable: str
    """Variable of terraform/shared that has the password."""
    for_admins: bool


PASSWORDS = (
    Password("mlflow-member", "mlflow", "MLflow", "mlflow_member_username", "mlflow_member_password", for_admins=False),
    Password(
        "mlflow-admin", "mlflow", "MLflow's admin", "mlflow_admin_username", "mlflow_admin_password", for_admins=True
    ),
    Password("sql", "sql", "Cloud SQL", "sql_user", "sql_password", for_admins=True),
)


def of(outputs: Outputs, member: Member) -> list[Password]:
    """Those that are in use and that this member may read."""
    return [each for each in PASSWORDS if outputs.get(each.username) and (member.is_admin or not each.for_admins)]


def find(outputs: Outputs, member: Member, key: str) -> Password:
    """One of those; raises NotFoundError for all others."""
    found = next((each for each in of(outputs, member) if each.key == key), None)
    if found is None:
        raise NotFoundError("password")
    return found


def read(ctx: Context, stack: SharedStack, password: Password) -> str:
    """The password itself. Whoever calls this answers for its being the member, a short time after they proved it."""
    audit.record(ctx, Action.READ_PASSWORD, password.key, password.title)
    return shared_stack.secrets_of(stack, ctx.vault)[password.variable]
