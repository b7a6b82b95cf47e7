"""Cloud SQL: instances, and the databases and users inside them."""

from emulator.core.errors import CloudError, not_found
from emulator.core.ids import last
from emulator.core.store import CloudResource
from emulator.rules.base import Context, Rules
from emulator.rules.deleted_databases import is_name_kept, remember
from emulator.rules.network import SQL_INSTANCE, check_network, is_connected, private_network

DATABASE, USER = "google_sql_database", "google_sql_user"
EXISTS = (
    "The Cloud SQL instance already exists. When you delete an instance, you can't reuse the name of the deleted "
    "instance until one week from the deletion date."
)


class SqlInstanceRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        name = last(resource.id)
        if is_name_kept(context, name):
            raise CloudError(409, EXISTS, "instanceAlreadyExists", prefix=f"Error, failed to create instance {name}: ")
        network = private_network(resource.state)
        if not network:
            return
        check_network(context, network)
        if not is_connected(context, network):
            place = f"{context.project}:{last(resource.id)}:SERVICE_NETWORKING_NOT_ENABLED"
            why = f"Invalid request: Incorrect Service Networking config for instance: {place}."
            raise CloudError(400, why, "invalid")

    def check_delete(self, context: Context, resource: CloudResource) -> None:
        [settings] = resource.state.get("settings") or [{}]
        if settings.get("deletion_protection_enabled"):
            why = "The instance is protected. Please disable the deletion protection and try again."
            raise CloudError(400, f"Invalid request: Instance deletion is not allowed: {why}", "invalid")

    def deleted(self, context: Context, resource: CloudResource) -> None:
        remember(context, last(resource.id), private_network(resource.state))
        # Users whom Terraform only forgets (deletion_policy = "ABANDON") go with the instance too.
        for type_ in (DATABASE, USER):
            for inside in context.store.all(type_):
                if last(str(inside.state.get("instance"))) == last(resource.id):
                    context.store.delete(inside)


class InSqlInstanceRules(Rules):
    def check(self, context: Context, resource: CloudResource) -> None:
        instance = last(str(resource.state.get("instance")))
        if all(last(each.id) != instance for each in context.store.all(SQL_INSTANCE)):
            raise not_found(f"projects/{context.project}/instances/{instance}")


class SqlUserRules(InSqlInstanceRules):
    # A user made again gets the new password, as the user postgres does who was never made.
    idempotent = True
