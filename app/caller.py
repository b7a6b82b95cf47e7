"""Who makes a request, and what that lets them do."""

from dataclasses import dataclass

from app.errors import RefusedError, ScopeRequiredError
from app.models import ApiToken, Member, Scope, SignIn

READING = {"GET", "HEAD"}
"""Methods for which a token that can only read is enough."""


@dataclass(frozen=True)
class Viewer:
    """The member who views a page. Plain values: after an error, rows can no longer be read."""

    id: str
    name: str
    email: str
    is_admin: bool
    default_ssh_username: str
    sign_in_id: str | None


@dataclass(frozen=True)
class Caller:
    """Who makes the request, and how: with a signed-in browser, or with an API token."""

    member: Member
    sign_in: SignIn | None = None
    token: ApiToken | None = None

    @property
    def viewer(self) -> Viewer:
        """The caller for pages: who is signed in, and how."""
        member = self.member
        sign_in_id = self.sign_in.id if self.sign_in else None
        return Viewer(member.id, member.name, member.email, member.is_admin, member.default_ssh_username, sign_in_id)

    @property
    def is_admin(self) -> bool:
        """Whether this request may do what admins may: not every token of an admin does."""
        return self.member.is_admin and (self.token is None or self.token.scope.covers(Scope.ADMIN))

    def as_admin(self) -> Member:
        """The admin who asks. Raises RefusedError for other members, and for tokens of narrower scope."""
        if not self.member.is_admin:
            raise RefusedError("Only admins can do this.", hint="Ask an admin.")
        self.need(Scope.ADMIN)
        return self.member

    def need(self, scope: Scope) -> None:
        """Raises ScopeRequiredError if this is a token whose scope does not include that one. Browsers have all."""
        if self.token and not self.token.scope.covers(scope):
            raise ScopeRequiredError(self.token.scope, scope)
