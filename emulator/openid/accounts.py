"""The demo accounts."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    email: str
    name: str

    @property
    def sub(self) -> str:
        """21 digits that never change, as Google's are."""
        return "1" + str(int.from_bytes(hashlib.sha256(self.email.encode()).digest()[:12])).rjust(29, "0")[:20]

    @property
    def domain(self) -> str:
        """The Workspace domain: Google's `hd` claim."""
        return self.email.rpartition("@")[2]

    @property
    def initial(self) -> str:
        return self.name[0]

    def profile(self) -> dict[str, str | bool]:
        """The claims about the person, in the id_token and from userinfo."""
        given, _, family = self.name.partition(" ")
        claims: dict[str, str | bool] = {
            "sub": self.sub,
            "email": self.email,
            "email_verified": True,
            "hd": self.domain,
            "name": self.name,
            "given_name": given,
        }
        return claims | ({"family_name": family} if family else {})


ACCOUNTS = {
    account.email: account
    for account in (
        Account("ada@example.com", "Ada Lovelace"),
        Account("grace@example.com", "Grace Hopper"),
        Account("linus@example.com", "Linus Torvalds"),
        Account("eve@elsewhere.test", "Eve"),
    )
}
