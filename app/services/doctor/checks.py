"""The data of the doctor: findings, and the checks that are derived from them."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.infra.google import Quota
from app.infra.google_project import Project
from app.infra.google_rest import GoogleIdentity


class Verdict(StrEnum):
    """The result of a check, from best to worst."""

    OK = "ok"
    WARNING = "warning"
    """Something that not everybody needs does not work."""
    MISSING = "missing"
    """Something that the portal needs does not work."""


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    verdict: Verdict
    found: str
    """What was found, as a sentence."""
    why: str
    """What it is needed for, as a sentence."""
    commands: tuple[str, ...] = ()
    """A shell command that fixes it."""

    @property
    def is_ok(self) -> bool:
        """Whether there is nothing to do."""
        return self.verdict is Verdict.OK

    def as_json(self) -> dict[str, Any]:
        """The result as JSON for a inspection."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Check":
        """The result from a inspection."""
        return cls(**{**kept, "verdict": Verdict(kept["verdict"]), "commands": tuple(kept["commands"])})


@dataclass(frozen=True)
class Unchecked:
    """The reason why something could not be checked."""

    text: str

    @property
    def api_that_is_off(self) -> str | None:
        """The API to enable, if Google says that a disabled API is the reason."""
        found = re.search(r"(\w+\.googleapis\.com)\b", self.text)
        is_off = "has not been used in project" in self.text or "SERVICE_DISABLED" in self.text
        return found[1] if is_off and found else None


@dataclass(frozen=True)
class DatabaseFinding:
    """The findings about the database and its content."""

    is_configured: bool
    problem: Unchecked | None = None
    is_migrated: bool = False
    has_keys: bool = False
    newest_state_opens: bool | None = None
    """Whether the newest state can be decrypted; None if there is no state."""


@dataclass(frozen=True)
class Space:
    """Free space in a worker's fullest folder."""

    folder: str
    free_bytes: int


@dataclass(frozen=True)
class Findings:
    """All findings. An Unchecked stands for what could not be checked."""

    project_id: str
    region: str
    parts: tuple[str, ...]
    identity: GoogleIdentity | Unchecked
    project: Project | Unchecked
    billing: bool | Unchecked
    apis: frozenset[str] | Unchecked
    permissions: frozenset[str] | Unchecked
    service_account: str | None
    may_act_as_it: bool | Unchecked
    quotas: list[Quota] | Unchecked
    terraform: str | Unchecked
    """Terraform's version."""
    provider: str | Unchecked | None
    """Whether the roots are initialised, as a sentence; None if that was not checked, because the database comes
    first."""
    database: DatabaseFinding
    space: Space | None = None
    settings: tuple[str, ...] = ()
    """Doubtful settings, as sentences."""


def worst(checks: Iterable[Check]) -> Verdict:
    """The worst verdict of all checks."""
    verdicts = {check.verdict for check in checks}
    return next((verdict for verdict in reversed(Verdict) if verdict in verdicts), Verdict.OK)
