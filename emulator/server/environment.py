"""The environment variables that COMMAND gets."""

from collections.abc import Mapping
from pathlib import Path

from emulator.core.settings import Settings

NOTICE = "The cloud is emulated on this computer: machines are pretend, nothing is billed."


def command_environment(
    environ: Mapping[str, str], settings: Settings, *, url: str, client: tuple[str, str], terraform_rc: Path
) -> dict[str, str]:
    """The portal's settings may be overridden in `environ`; Terraform's endpoints may not.

    A provider or an endpoint left over in the environment would point an emulated apply at a real project.
    """
    defaults = {
        "STATIONMASTER_CLOUD_NOTICE": NOTICE,
        "STATIONMASTER_GOOGLE_PROJECT": settings.project,
        "STATIONMASTER_OIDC_ISSUER": url,
        "STATIONMASTER_OIDC_CLIENT_ID": client[0],
        "STATIONMASTER_OIDC_CLIENT_SECRET": client[1],
        "STATIONMASTER_ALLOWED_DOMAINS": "example.com",
        "STATIONMASTER_FIRST_ADMIN": "ada@example.com",
        "STATIONMASTER_COMPUTE_ENDPOINT": url,
        "STATIONMASTER_SECRET_MANAGER_ENDPOINT": url,
        "STATIONMASTER_GOOGLE_ENDPOINT": url,
        "STATIONMASTER_SSH_PORT": str(settings.ssh_port),
    }
    forced = {
        "TF_CLI_CONFIG_FILE": str(terraform_rc),
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{url}/compute/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": "emulated",
        "TF_DISABLE_PLUGIN_TLS": "1",
    }
    return {**defaults, **environ, **forced}
