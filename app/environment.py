"""Which environment variables each process gets: a list of its own, never all that the portal was started with."""

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase

REACHES_GOOGLE = ("GOOGLE_*", "CLOUDSDK_*", "TF_CLI_CONFIG_FILE", "TF_DISABLE_PLUGIN_TLS")
"""They tell Terraform, and Google's libraries, where Google is and who asks."""
_ANY = ("PATH", "LANG", "LC_*", "TZ", "LD_LIBRARY_PATH")
_NETWORK = ("SSL_CERT_*", "REQUESTS_CA_BUNDLE", "*_proxy", "*_PROXY")

POSTGRES = _ANY
# Never the portal's own secrets, nor variables (TF_VAR_…, TF_CLI_ARGS…) that would change what a command means.
TERRAFORM = (*_ANY, *_NETWORK, *REACHES_GOOGLE, "HOME")
WEB = (
    *_ANY,
    *_NETWORK,
    "HOME",
    "TMPDIR",
    "PYTHON*",
    "PG*",
    "STATIONMASTER_*",
    "DATABASE_URL",
    "GOOGLE_*",
    "CLOUDSDK_*",
)
WORKER = (*WEB, *REACHES_GOOGLE)
NOT_FOR_WORKER = ("STATIONMASTER_OIDC_CLIENT_SECRET",)
"""It signs nobody in."""


def chosen(patterns: Iterable[str], *, without: Iterable[str] = ()) -> dict[str, str]:
    """The variables of this process whose names match a pattern (`*` for anything), and none of `without`."""
    return {name: value for name, value in os.environ.items() if _fits(name, patterns) and not _fits(name, without)}


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
