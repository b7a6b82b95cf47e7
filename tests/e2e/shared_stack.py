"""What an admin asks of the shared stack by the API, and what the emulated cloud has of it then."""

from dataclasses import dataclass
from typing import Any

from tests.portal_process import ApiUser, PortalProcess

SETTINGS = "/api/v1/shared-stack"
PATIENCE_S = 900
"""For one run: to look for what an interrupted one left takes Terraform a process for each resource."""
STAYS = {"google_project_iam_binding", "google_project_service", "google_service_networking_connection"}


@dataclass
class SharedStack:
    """Ada approves whatever waits for it."""

    portal: PortalProcess
    ada: ApiUser

    def begin(self, method: str, path: str, body: object = None) -> str:
        """Ask for a run, and approve its plan if it waits for that; its id."""
        answer = self.ada.call(method, path, body)
        assert answer.status == 202, answer.text
        run_id: str = answer.json["id"]
        waiting = self.ada.wait_run(run_id, "awaiting_approval", "applied", "no_changes", "errored", seconds=PATIENCE_S)
        if waiting["status"] == "awaiting_approval":
            names = [each["name"] for each in waiting["awaits"] if each["name"]]
            answer = self.ada.call("POST", f"/api/v1/runs/{run_id}/approve", {"confirm": names})
            assert answer.status == 202, answer.text
        return run_id

    def run(self, method: str, path: str, body: object = None) -> str:
        """The status in which it ends well."""
        ended = self.ada.wait_run(
            self.begin(method, path, body), "applied", "no_changes", "errored", seconds=PATIENCE_S
        )
        assert ended["status"] != "errored", ended
        return str(ended["status"])

    def configure(self, **settings: object) -> None:
        self.run("PATCH", SETTINGS, {"settings": settings})

    def check(self) -> str:
        run_id = self.ada.call("POST", f"{SETTINGS}/check").json["id"]
        return str(self.ada.wait_run(run_id, "no_changes", "planned", "errored")["status"])

    def destroy(self) -> None:
        self.run("DELETE", SETTINGS)

    def objects(self, type_: str) -> list[dict[str, Any]]:
        return list(self.portal.cloud("GET", f"/_emulator/objects?type={type_}"))

    def left(self) -> list[str]:
        """Ids of what is in the cloud, but for what Terraform leaves there."""
        return [each["id"] for each in self.portal.cloud("GET", "/_emulator/objects") if each["type"] not in STAYS]

    def holders(self, role: str) -> list[str]:
        return [member for granted, member in self.granted() if granted == role]

    def granted(self) -> list[tuple[str, str]]:
        """Each role in the project, with each member that has it."""
        policy = self.portal.cloud("POST", "/v3/projects/pocket-project:getIamPolicy", {})
        return [(each["role"], member) for each in policy.get("bindings", []) for member in each["members"]]
