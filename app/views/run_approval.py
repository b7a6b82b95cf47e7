"""What the approval of a plan would allow, for the run's page."""

from dataclasses import dataclass

from app.models import Run


@dataclass(frozen=True)
class Approval:
    """What a plan deletes or takes away, in the form of `Run.awaits`."""

    lost_data: list[dict[str, str]]
    lost_roles: list[dict[str, str]]
    """Who loses which role: `member` and `role`."""
    restricted_roles: list[str]
    """Roles that only listed IAM admins will have."""

    @classmethod
    def of(cls, run: Run) -> "Approval":
        """The losses in the run's plan."""
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
    def summary(self) -> str:
        """What is lost, in one sentence."""
        if self.lost_data:
            return f"This change destroys data: {', '.join(each['name'] for each in self.lost_data)}."
        if self.lost_roles:
            return f"This change removes access: {', '.join(each['member'] for each in self.lost_roles)}."
        return "Review the plan, then approve or discard it."

    @property
    def label(self) -> str:
        """The label of the button."""
        if self.lost_data:
            return "Approve and delete data"
        return "Approve and remove access" if self.lost_roles else "Approve and apply"

    @property
    def is_loss(self) -> bool:
        """Whether anything is lost, which makes the card and its button red."""
        return bool(self.lost_data or self.lost_roles)
