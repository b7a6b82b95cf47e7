"""What COMMAND is told about the cloud around it."""

from collections.abc import Mapping
from pathlib import Path

from .settings import Settings

NOTICE = "The cloud is emulated on this computer: machines are pretend, nothing is billed."


def command_environment(
    environ: Mapping[str, str], settings: Settings, *, url: str, client: tuple[str, str], terraform_rc: Path
) -> dict[str, str]:
    """What the portal is told may be overridden in `environ`; where Terraform goes may not.

    A provider or an endpoint left over in somebody's environment would lead a pretend apply to a real project.
    """
    told = {
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
    return {**told, **environ, **forced}
