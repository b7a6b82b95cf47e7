"""The encoded schema in a file: half of all provider processes are asked for it, and for nothing else."""

import os
from pathlib import Path

from emulator.provider.facts_file import Facts

LAYOUT = 1
"""Must be increased if `emulator.provider.schema` writes something else for the same facts."""


def schema_bytes(facts: Facts, cache: Path) -> bytes:
    """The reply to GetProviderSchema, out of the folder `cache` when it has one for these facts."""
    stored = cache / f"schema-{LAYOUT}-{facts.fingerprint}.bin"
    try:
        return stored.read_bytes()
    except FileNotFoundError:
        from emulator.provider.schema import build_schema  # late: hardly ever needed

        reply = build_schema(facts)
    _store(stored, reply)
    return reply


def _store(path: Path, content: bytes) -> None:
    """Whole or not at all: provider processes start side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
