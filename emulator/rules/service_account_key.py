"""Keys of service accounts: Google names each, so a second one is never in the first one's way."""

import secrets

from ..store import CloudObject, Json
from .kind import Kind, World


class ServiceAccountKeyKind(Kind):
    numbered = True

    def final_id(self, world: World, id_: str, state: Json) -> str:
        return f"{state.get('service_account_id')}/keys/{secrets.token_hex(20)}"

    def accepted(self, world: World, thing: CloudObject) -> None:
        thing.state |= {"id": thing.id, "name": thing.id}
