"""Cloud SQL: instances, and the databases and users inside them."""

from ..errors import CloudError, not_found
from ..ids import last
from ..store import CloudObject
from .kind import Kind, World
from .network import SQL_INSTANCE, check_network, is_connected, private_network

DATABASE, USER = "google_sql_database", "google_sql_user"


class SqlInstanceKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        network = private_network(thing.state)
        if not network:
            return
        check_network(world, network)
        if not is_connected(world, network):
            place = f"{world.project}:{last(thing.id)}:SERVICE_NETWORKING_NOT_ENABLED"
            why = f"Invalid request: Incorrect Service Networking config for instance: {place}."
            raise CloudError(400, why, "invalid")

    def check_delete(self, world: World, thing: CloudObject) -> None:
        [settings] = thing.state.get("settings") or [{}]
        if settings.get("deletion_protection_enabled"):
            why = "The instance is protected. Please disable the deletion protection and try again."
            raise CloudError(400, f"Invalid request: Instance deletion is not allowed: {why}", "invalid")

    def deleted(self, world: World, thing: CloudObject) -> None:
        # Users whom Terraform only forgets (deletion_policy = "ABANDON") go with the instance too.
        for type_ in (DATABASE, USER):
            for inside in world.store.all(type_):
                if last(str(inside.state.get("instance"))) == last(thing.id):
                    world.store.delete(inside)


class InSqlInstanceKind(Kind):
    def check(self, world: World, thing: CloudObject) -> None:
        instance = last(str(thing.state.get("instance")))
        if all(last(each.id) != instance for each in world.store.all(SQL_INSTANCE)):
            raise not_found(f"projects/{world.project}/instances/{instance}")


class SqlUserKind(InSqlInstanceKind):
    # A user made again gets the new password, as the user postgres does who was never made.
    idempotent = True
