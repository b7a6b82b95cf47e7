"""The passwords of the shared infrastructure, which members may read. Reading one is audited."""

from dataclasses import dataclass

from app.errors import NotFoundError
from app.models import Action, Member, SharedStack
from app.services import audit
from app.services.context import Context
from app.services.shared import shared_stack
from app.services.shared.infrastructure_state import Outputs


@dataclass(frozen=True)
class Password:
    """An account that has a password. It does not contain the password."""

    key: str
    part: str
    """The part that the password is for."""
    title: str
    username: str
    """The output of terraform/shared with the user name; its value is null if there is no such account."""
    variable: str
    """The variable of terraform/shared with the password."""
    for_admins: bool


PASSWORDS = (
    Password("mlflow-member", "mlflow", "MLflow", "mlflow_member_username", "mlflow_member_password", for_admins=False),
    Password(
        "mlflow-admin", "mlflow", "MLflow's admin", "mlflow_admin_username", "mlflow_admin_password", for_admins=True
    ),
    Password("sql", "sql", "Cloud SQL", "sql_user", "sql_password", for_admins=True),
)


def of(outputs: Outputs, member: Member) -> list[Password]:
    """The passwords that are in use and that this member may read."""
    return [each for each in PASSWORDS if outputs.get(each.username) and (member.is_admin or not each.for_admins)]


def find(outputs: Outputs, member: Member, key: str) -> Password:
    """One of these passwords. Raises NotFoundError for all others."""
    found = next((each for each in of(outputs, member) if each.key == key), None)
    if found is None:
        raise NotFoundError("password")
    return found


def read(ctx: Context, stack: SharedStack, password: Password) -> str:
    """The password itself. The caller has checked that the member has just proved who they are."""
    audit.record(ctx, Action.READ_PASSWORD, password.key, password.title)
    return shared_stack.secrets_of(stack, ctx.vault)[password.variable]
