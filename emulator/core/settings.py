"""The settings of the emulator: EMULATOR_* in the environment, documented here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_PROJECT = "pocket-project"


class SettingsError(Exception):
    """A setting is wrong; the message names it."""


@dataclass(frozen=True)
class Settings:
    data_dir: Path
    """EMULATOR_DATA_DIR: everything the emulator keeps. Default: .stationmaster/emulator."""
    port: int
    """EMULATOR_PORT: of the HTTP server. Default 0: a free one, then always the same."""
    listen: str
    """EMULATOR_LISTEN: address of the HTTP server. Default 127.0.0.1."""
    url: str
    """EMULATOR_URL: where other programs reach the HTTP server, when not at http://127.0.0.1:PORT."""
    browser_url: str
    """EMULATOR_BROWSER_URL: where a browser reaches it, when not at EMULATOR_URL (a container's published port)."""
    latency: float
    """EMULATOR_LATENCY: factor on all waits. 1 (default) is a few seconds for a machine, 0 is none at all."""
    ssh_port: int
    """EMULATOR_SSH_PORT: the port of every machine, each at an address of its own. Default 2222."""
    ssh_listen: str
    """EMULATOR_SSH_LISTEN: empty (default): each machine listens at its own 127.x.y.z. An address such as 0.0.0.0:
    machine 127.77.0.n listens there at EMULATOR_SSH_BASE_PORT + n, for containers to publish."""
    ssh_base_port: int
    """EMULATOR_SSH_BASE_PORT: see EMULATOR_SSH_LISTEN. Default 2200."""
    faults: tuple[dict[str, Any], ...]
    """EMULATOR_FAULTS: faults at start: preset names separated by commas, or a JSON list of faults."""
    guest_attributes_per_minute: int
    """EMULATOR_GUEST_ATTRIBUTES_PER_MINUTE: how often a machine's guest attributes may be read a minute, and how often
    written. 0 (default): no limit."""
    session_age_claims: bool
    """EMULATOR_SESSION_AGE_CLAIMS: 1 for sign-ins that say when they were, where that is asked for. Default 0."""
    project: str
    """STATIONMASTER_GOOGLE_PROJECT: the project that exists here. Default pocket-project."""
    client_id: str
    client_secret: str
    """STATIONMASTER_OIDC_CLIENT_ID and _SECRET: what the sign-in endpoint accepts. Default: made up, then kept."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError for an invalid value."""
    return Settings(
        data_dir=Path(environ.get("EMULATOR_DATA_DIR") or ".stationmaster/emulator").absolute(),
        port=_port(environ, "EMULATOR_PORT", 0),
        listen=environ.get("EMULATOR_LISTEN") or "127.0.0.1",
        url=_url(environ, "EMULATOR_URL"),
        browser_url=_url(environ, "EMULATOR_BROWSER_URL"),
        latency=_latency(environ),
        ssh_port=_port(environ, "EMULATOR_SSH_PORT", 2222),
        ssh_listen=environ.get("EMULATOR_SSH_LISTEN", ""),
        ssh_base_port=_port(environ, "EMULATOR_SSH_BASE_PORT", 2200),
        faults=_faults(environ),
        guest_attributes_per_minute=_count(environ, "EMULATOR_GUEST_ATTRIBUTES_PER_MINUTE"),
        session_age_claims=_count(environ, "EMULATOR_SESSION_AGE_CLAIMS") > 0,
        project=environ.get("STATIONMASTER_GOOGLE_PROJECT") or DEFAULT_PROJECT,
        client_id=environ.get("STATIONMASTER_OIDC_CLIENT_ID", ""),
        client_secret=environ.get("STATIONMASTER_OIDC_CLIENT_SECRET", ""),
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) > 65535:
        raise SettingsError(f"{name} must be a port, 0 to 65535, and is {text!r}")
    return int(text)


def _count(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name) or "0"
    if not text.isdecimal():
        raise SettingsError(f"{name} must be a whole number, and is {text!r}")
    return int(text)


def _url(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").rstrip("/")
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{name} must start with http:// or https://, and is {text!r}")
    return text


def _latency(environ: Mapping[str, str]) -> float:
    text = environ.get("EMULATOR_LATENCY") or "1"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise SettingsError(f"EMULATOR_LATENCY must be a number from 0 to 1000, and is {text!r}")
    return value


def _faults(environ: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    text = environ.get("EMULATOR_FAULTS", "").strip()
    if not text.startswith("["):
        return tuple({"preset": name.strip()} for name in text.split(",") if name.strip())
    try:
        faults = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"EMULATOR_FAULTS is not JSON: {error}") from None
    if not all(isinstance(fault, dict) for fault in faults):
        raise SettingsError("EMULATOR_FAULTS must be a JSON list of objects")
    return tuple(faults)
