"""Posts to the portal, with this machine's identity token from Google. Part of agent.py."""

from pathlib import Path

from agent_readings import run

PORTAL = Path(__file__).with_name("portal")
"""The portal's URL; empty if it is not known."""
IDENTITY = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity"
CURL = ("curl", "--silent", "--fail", "--max-time", "8")


def post(what, text):
    """Post JSON; returns the portal's answer, None if it did not take it, or if there is nobody to post to."""
    portal = PORTAL.read_text().strip() if PORTAL.exists() else ""
    token = portal and identity(portal)
    if not token:
        return None
    content = ("--header", "Content-Type: application/json", "--data-binary", text)
    # Not as an argument, which everybody on the machine could read.
    header = f'header = "Authorization: Bearer {token}"\n'
    return run(*CURL, *content, "--config", "-", f"{portal}/api/v1/machine/{what}", stdin=header)


def identity(portal):
    """The token for this portal alone; None without a service account."""
    query = f"audience={portal}&format=full"
    return run(*CURL, "--noproxy", "*", "--header", "Metadata-Flavor: Google", f"{IDENTITY}?{query}")
