"""One check of the doctor's, and what the checks look at."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.infra.google import Quota
from app.infra.google_project import GoogleIdentity, Project


class Verdict(StrEnum):
    """The result of a check, from best to worst."""

    OK = "ok"
    WARNING = "warning"
    """Something will not work, which not everybody needs."""
    MISSING = "missing"
    """Something that the portal cannot do without."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    name: str
    verdict: Verdict
    found: str
    """What is so, as a sentence."""
    why: str
    """What it is needed for, as a sentence."""
    commands: tuple[str, ...] = ()
    """What fixes it, ready for a shell."""

    @property
    def is_ok(self) -> bool:
        """Whether nothing is to be done."""
        return self.verdict is Verdict.OK

    def as_json(self) -> dict[str, Any]:
        """For a snapshot."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Check":
        """Read it back from a snapshot."""
        return cls(**{**kept, "verdict": Verdict(kept["verdict"]), "commands": tuple(kept["commands"])})


@dataclass(frozen=True)
class Unchecked:
    """Why something could not be checked: the error's own text."""

    text: str

    @property
    def api_that_is_off(self) -> str | None:
        """The API to enable, where Google says that it is this."""
        found = re.search(r"(\w+\.googleapis\.com)\b", self.text)
        is_off = "has not been used in project" in self.text or "SERVICE_DISABLED" in self.text
        return found[1] if is_off and found else None


@dataclass(frozen=True)
class DatabaseFinding:
    """What is so of the database and of what it holds."""

    is_configured: bool
    problem: Unchecked | None = None
    is_migrated: bool = False
    has_keys: bool = False
    newest_state_opens: bool | None = None
    """None before the first state."""


@dataclass(frozen=True)
class Space:
    """What is left in the folder where a worker has least."""

    folder: str
    free_bytes: int


@dataclass(frozen=True)
class Findings:
    """All that was found. A Unchecked says why something could not be checked."""

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
    """Its version."""
    provider: str | Unchecked | None
    """Where Terraform's roots are ready; None where nobody could look, since the database has to come first."""
    database: DatabaseFinding
    space: Space | None = None
    settings: tuple[str, ...] = ()
    """What is odd about the settings, as sentences."""


def worst(checks: Iterable[Check]) -> Verdict:
    """The verdict on all of them."""
    verdicts = {check.verdict for check in checks}
    return next((verdict for verdict in reversed(Verdict) if verdict in verdicts), Verdict.OK)
