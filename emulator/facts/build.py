"""Puts bindings and known facts together into the file of one provider version."""

import json
from pathlib import Path
from typing import Any

from emulator.facts.bindings import parse_bindings, read_block
from emulator.facts.known import Overlay, read_known
from emulator.facts.packages import BindingsNotFoundError, sources

OUTPUT = Path(__file__).parent.parent / "provider" / "facts"
PROVIDER = "provider"


class UnknownPathsError(Exception):
    """`emulator/facts/known` names what no version of the provider has."""


def build(package: Path) -> tuple[dict[str, Any], set[str]]:
    """The facts of the version in `package`, and the known paths that it lacks (each `type.path`)."""
    known, data_sources = read_known()
    folders = {_folder(name): name for name in known}
    data_folders = {f"data-google-{_folder(name)}": name for name in data_sources}
    texts = sources(package, {PROVIDER, *folders, *data_folders})
    lacking = {PROVIDER, *folders, *data_folders} - set(texts)
    if lacking:
        raise BindingsNotFoundError(f"{package} lacks {', '.join(sorted(lacking))}")
    provider = parse_bindings(texts[PROVIDER])
    provider_block = read_block(provider)
    provider_block["attributes"].pop("alias", None)  # the bindings' own, for Terraform's meta-argument
    resources: dict[str, Any] = {}
    missing: set[str] = set()
    for folder, name in folders.items():
        overlay = Overlay(read_block(parse_bindings(texts[folder])))
        resources[name] = overlay.apply(known[name])
        missing |= {f"{name}.{path}" for path in overlay.missing}
    facts = {
        "version": provider.version,
        "provider": provider_block,
        "resources": resources,
        "data_sources": {name: read_block(parse_bindings(texts[folder])) for folder, name in data_folders.items()},
    }
    return facts, missing


def render(facts: dict[str, Any]) -> str:
    """JSON with everything in order and one line a type, so that a difference can be read."""
    lines = [f'"version":{_compact(facts["version"])}', f'"provider":{_compact(facts["provider"])}']
    for kind in ("resources", "data_sources"):
        members = [f"{_compact(name)}:{_compact(facts[kind][name])}" for name in sorted(facts[kind])]
        lines.append(f'"{kind}":{{\n' + ",\n".join(members) + "\n}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(packages: list[Path], directory: Path = OUTPUT) -> list[Path]:
    """Write `google-<version>.json` for each package. Raises UnknownPathsError for a path that all of them lack."""
    built = [build(package) for package in packages]
    nowhere = set.intersection(*(missing for _, missing in built))
    if nowhere:
        raise UnknownPathsError(f"No version of the provider has {', '.join(sorted(nowhere))}")
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for facts, _ in built:
        path = directory / f"google-{facts['version']}.json"
        path.write_text(render(facts))
        written.append(path)
    return written


def _folder(name: str) -> str:
    return name.removeprefix("google_").replace("_", "-")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
