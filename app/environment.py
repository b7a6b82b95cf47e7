"""The environment variables that each kind of process gets. None gets all variables of the portal."""

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase

REACHES_GOOGLE = ("GOOGLE_*", "CLOUDSDK_*", "TF_CLI_CONFIG_FILE", "TF_DISABLE_PLUGIN_TLS")
"""Variables that tell Terraform and Google's libraries how to reach Google, and as whom."""
_ANY = ("PATH", "LANG", "LC_*", "TZ", "LD_LIBRARY_PATH")
_NETWORK = ("SSL_CERT_*", "REQUESTS_CA_BUNDLE", "*_proxy", "*_PROXY")

POSTGRES = _ANY
# Without the portal's own secrets, and without variables (TF_VAR_…, TF_CLI_ARGS…) that change what a command does.
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
"""Variables that a worker does not need, as nobody signs in there."""


def chosen(patterns: Iterable[str], *, without: Iterable[str] = ()) -> dict[str, str]:
    """The variables of this process whose names match one of the patterns, and none of `without`."""
    return {name: value for name, value in os.environ.items() if _fits(name, patterns) and not _fits(name, without)}


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
