"""What an approval of a plan would allow, as its page says it."""

from dataclasses import dataclass

from app.models import Run


@dataclass(frozen=True)
class Approval:
    """What a plan takes away, each as in `Run.awaits`."""

    lost_data: list[dict[str, str]]
    lost_roles: list[dict[str, str]]
    """Who loses which role: `member` and `role`."""
    restricted_roles: list[str]
    """Roles that only those on the list of IAM admins keep."""

    @classmethod
    def of(cls, run: Run) -> "Approval":
        """What is lost if the run's plan is applied."""
        lost_roles = [each for each in run.awaits if each.get("member")]
        restricted = [each for each in run.awaits if each["action"] == "restrict"]
        of_access = [*lost_roles, *restricted]
        lost_data = [each for each in run.awaits if each.get("name") and each not in of_access]
        return cls(lost_data, lost_roles, [each["name"] for each in restricted])

    @property
    def title(self) -> str:
        """The heading."""
        if self.lost_data:
            return "This will destroy data"
        return "This will remove access" if self.lost_roles else "Approval required"

    @property
    def label(self) -> str:
        """The button."""
        if self.lost_data:
            return "Approve and delete data"
        return "Approve and remove access" if self.lost_roles else "Approve and apply"

    @property
    def is_loss(self) -> bool:
        """Whether anything is lost, so that the card and its button are red."""
        return bool(self.lost_data or self.lost_roles)
