"""Parts of a portal for tests: settings, a clock to move, secrets in memory, and what Google says of somebody."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet

from app.config import Settings
from app.infra.oidc import Identity
from app.infra.secrets import SecretGoneError, SecretStore


@dataclass
class MovingClock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now


class SecretsInMemory(SecretStore):
    """Secret Manager's place taken, for tests that are not about it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, name: str, payload: bytes) -> None:
        self.kept[name] = payload

    async def get(self, name: str) -> bytes:
        if name not in self.kept:
            raise SecretGoneError("The private half of this key is no longer in Secret Manager.")
        return self.kept[name]

    async def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    async def close(self) -> None:
        pass


def make_settings(**changes: object) -> Settings:
    """Settings of a portal for example.com, whatever the environment says."""
    values: dict[str, object] = {
        "public_url": "http://portal.test",
        "database_url": "postgresql://nowhere/nothing",
        "encryption_keys": (Fernet.generate_key().decode(),),
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_client_id": "portal",
        "oidc_client_secret": "a-client-secret",
        "allowed_domains": ("example.com",),
        "first_admin": "ada@example.com",
        "google_project": "test-project",
        # Tests share one address, and fail on purpose.
        "failed_sign_in_limit": 10_000,
    }
    return Settings.model_validate({**values, **changes})


def identity(name: str, /, **changes: Any) -> Identity:
    """What Google says of somebody at example.com."""
    known = Identity(
        sub=f"sub-{name}",
        email=f"{name}@example.com",
        email_verified=True,
        name=name.title(),
        hd="example.com",
    )
    return replace(known, **changes)
