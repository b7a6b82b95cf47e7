"""Fault injection: refusals, delays and losses that Google is known for, to test the portal."""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from emulator.core.accelerators import of_machine
from emulator.core.catalog import region_zones
from emulator.core.errors import CloudError
from emulator.core.ids import Scoped, last, parse_id, project_of
from emulator.core.projects import project_number
from emulator.core.store import Json

PRESETS: dict[str, Json] = tomllib.loads(Path(__file__).with_name("presets.toml").read_text())
MEANINGS = {name: str(preset.pop("meaning")) for name, preset in PRESETS.items()}


class FaultError(Exception):
    """An invalid fault. The message says why."""


@dataclass
class Fault:
    """A fault for the next `times` matching calls. Without `status`, it only delays them."""

    number: int = 0
    op: str = ""
    """Operations, separated by commas: create, read, update, delete, data, start, stop, reset, get, list, or mount
    (the first mount of a boot). Empty: all."""
    type: str = ""
    """Terraform's resource types, separated by commas. Empty: all."""
    id: str = ""
    """A regular expression that is searched in the ID."""
    times: int = 1
    delay: float = 0.0
    """Seconds, in addition to the operation's own duration."""
    status: int = 0
    message: str = ""
    reason: str = ""
    raw: str = ""
    """The complete text that Terraform prints, instead of one made from status, message and reason."""
    accepted: bool = False
    """Whether the call is accepted, and its operation fails at the end. The name is taken meanwhile."""
    details: list[Json] = field(default_factory=list)
    """Details of an operation's error, as in the API's `errorDetails`, such as help and quotaInfo."""
    kept: bool = False
    """Whether the resource exists in spite of the error, so that Terraform keeps it as tainted."""
    preset: str = ""

    def matches(self, op: str, type_: str, id_: str) -> bool:
        return (
            self.times > 0
            and (not self.op or op in self.op.split(","))
            and (not self.type or type_ in self.type.split(","))
            and re.search(self.id, id_) is not None
        )

    @property
    def refuses(self) -> bool:
        """Whether the call is refused at once, before anything changes."""
        return bool(self.status) and not self.accepted and not self.kept

    def error(self, type_: str, id_: str, state: Json) -> CloudError | None:
        """The error of the call; None if the fault only delays it."""
        if not self.status:
            return None
        words = _words(id_, state)
        message = _fill(self.message or "Injected by the emulator.", words)
        raw = _fill(self.raw, {**words, "message": message}) if self.raw else None
        error = CloudError(self.status, message, self.reason, raw=raw, kept=self.kept, in_operation=self.accepted)
        error.details = json.loads(_fill(json.dumps(self.details), words))
        return error


@dataclass
class FaultInjector:
    """Faults that wait for matching calls. They are kept until they are used up or the emulator stops."""

    faults: list[Fault] = field(default_factory=list)
    _next: int = 1

    def add(self, values: Json) -> Fault:
        """Add a fault.

        :param values: fields of the fault, which override those of its preset. Raises FaultError.
        """
        name = values.get("preset", "")
        if name and name not in PRESETS:
            raise FaultError(f"there is no preset {name!r}; there are {', '.join(sorted(PRESETS))}")
        fault = _checked({**PRESETS.get(name, {}), **values, "number": self._next})
        self._next += 1
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        self.faults.clear()

    def inject(self, op: str, type_: str, id_: str) -> Fault | None:
        """The first fault that matches a call, which uses up one of its times."""
        for fault in self.faults:
            if fault.matches(op, type_, id_):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def as_json(self) -> list[Json]:
        return [asdict(fault) for fault in self.faults]


def _checked(values: Json) -> Fault:
    checks: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
    known = {item.name: item for item in fields(Fault)}
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise FaultError(f"a fault has no field {unknown[0]!r}; it has {', '.join(known)}")
    try:
        fault = Fault(**{name: checks[_type_name(known[name].type)](value) for name, value in values.items()})
        re.compile(fault.id)
    except (TypeError, ValueError, re.error) as error:
        raise FaultError(f"invalid fault: {error}") from None
    if fault.times < 1 or not 0 <= fault.delay <= 3600 or (fault.status and not 400 <= fault.status <= 599):
        raise FaultError("a fault needs times of 1 or more, a delay of 0 to 3600 s, and a status of 400 to 599 or none")
    return fault


def _type_name(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else str(annotation.__name__)


def _words(id_: str, state: Json) -> dict[str, str]:
    scoped, gpus = parse_id(id_) or Scoped("", "", "", "", id_), of_machine(state)
    metric = "GPUS_ALL_REGIONS" if gpus else "CPUS_ALL_REGIONS"
    project = project_of(id_) or id_.partition("/")[0]
    [card, *_] = state.get("network_interface") or [{}]
    [access, *_] = card.get("access_config") or [{}]
    return {
        "id": id_,
        "project": project,
        "project_number": project_number(project),
        "zone": scoped.zone,
        "other_zones": ", ".join(zone for zone in region_zones(scoped.region) if zone != scoped.zone),
        "location": scoped.place or str(state.get("location") or ""),
        "machine_type": last(str(state.get("machine_type") or "")),
        "with_gpus": "".join(f" with {count} {name} accelerator(s)" for name, count in gpus),
        "address": str(access.get("nat_ip") or ""),
        "metric": metric,
        "metric_lower": metric.lower(),
        "metric_dashed": metric.replace("_", "-"),
    }


def _fill(text: str, words: dict[str, str]) -> str:
    # Not str.format, because a fault's text may contain other braces.
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    return text
