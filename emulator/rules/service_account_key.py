"""Keys of service accounts: Google names each, so a second one is never in the first one's way."""

import secrets

from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context, Rules


class ServiceAccountKeyRules(Rules):
    numbered = True

    def final_id(self, context: Context, id_: str, state: Json) -> str:
        return f"{state.get('service_account_id')}/keys/{secrets.token_hex(20)}"

    def accepted(self, context: Context, resource: CloudResource) -> None:
        resource.state |= {"id": resource.id, "name": resource.id}
