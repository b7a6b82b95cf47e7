"""Gives MLflow's two accounts the passwords of the environment, before the server starts.

It writes to MLflow's own store of accounts. The REST API would do for a new member, but would want the admin's former
password when that changes, and would have the server answer for a while with accounts as they were.
"""

import os

from mlflow.server.auth.config import read_auth_config
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore


def give_password(store: SqlAlchemyStore, username: str, password: str, *, is_admin: bool) -> None:
    """Makes the account where there is none. A password that has not changed is left alone."""
    if not store.has_user(username):
        store.create_user(username, password, is_admin=is_admin)
    elif not store.authenticate_user(username, password):
        store.update_user(username, password=password)


def main() -> None:
    store = SqlAlchemyStore()
    store.init_db(read_auth_config().database_uri)
    for kind, prefix in (("admin", "MLFLOW_AUTH_ADMIN"), ("member", "MLFLOW_MEMBER")):
        username, password = os.environ[f"{prefix}_USERNAME"], os.environ[f"{prefix}_PASSWORD"]
        give_password(store, username, password, is_admin=kind == "admin")


if __name__ == "__main__":
    main()
