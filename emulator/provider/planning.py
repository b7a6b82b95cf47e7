"""PlanResourceChange: defaults, what only the cloud will know, and what forces a replacement."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from emulator.provider import special
from emulator.provider.config import ProviderConfig
from emulator.provider.facts_file import Attribute, Block, Resource
from emulator.provider.labels import plan_labels
from emulator.provider.links import same_link
from emulator.provider.values import UNKNOWN, State

Path = tuple[str | int, ...]


class PlannedChange(NamedTuple):
    planned: State
    requires_replace: list[Path]


def plan(
    resource_type: str,
    resource: Resource,
    prior: State | None,
    proposed: State,
    config: State,
    provider: ProviderConfig,
) -> PlannedChange:
    """Turn Terraform's proposal into what an apply would make. Raises ProviderError for a plan that is refused."""
    block = resource["block"]
    _fill(block, proposed, config, prior)
    _fill_places(block, proposed, config, prior, provider)
    plan_labels(proposed, prior, provider)
    if prior is not None:
        _keep_same_links(block, prior, proposed)
    special.check_plan(resource_type, proposed)
    replacing = list(_replacing(block, prior, proposed, ())) if prior is not None else []
    if prior is not None:
        replacing += special.replacing(resource_type, prior, proposed)
    return PlannedChange(proposed, replacing)


def _fill(block: Block, planned: Any, config: Any, prior: Any) -> None:
    """Put defaults and unknowns where the configuration says nothing. `prior` None: this block is new."""
    if not isinstance(planned, dict):
        return
    configured = config if isinstance(config, dict) else {}
    for name, attribute in block["attributes"].items():
        if "w" in attribute["is"]:
            planned[name] = None
        elif configured.get(name) is None:
            planned[name] = _unset(attribute, planned.get(name), is_new=prior is None)
    for name, nested in block["blocks"].items():
        before = prior.get(name) if isinstance(prior, dict) else None
        if nested.get("computed") and not configured.get(name) and before:
            planned[name] = before
            continue
        inner = planned.get(name)
        if nested["nesting"] == "single":
            _fill(nested["block"], inner, configured.get(name), before)
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                said = _counterpart(configured.get(name), index, item, nested)
                _fill(nested["block"], item, said, _before(before, index))


def _unset(attribute: Attribute, value: Any, *, is_new: bool) -> Any:
    if "c" in attribute["is"]:
        return UNKNOWN if is_new else value
    return attribute.get("default") if "o" in attribute["is"] else value


def _counterpart(config: Any, index: int, item: Any, nested: dict[str, Any]) -> Any:
    """The configuration behind an element. Sets are sorted by content, so theirs is found by what it says."""
    if not isinstance(config, list):
        return None
    if nested["nesting"] == "set":
        return next((configured for configured in config if _matches(configured, item)), None)
    return config[index] if index < len(config) else None


def _matches(configured: Any, item: Any) -> bool:
    if not isinstance(configured, dict) or not isinstance(item, dict):
        return bool(configured == item)
    return all(
        value is None or isinstance(value, list) or item.get(name) == value for name, value in configured.items()
    )


def _before(prior: Any, index: int) -> Any:
    return prior[index] if isinstance(prior, list) and index < len(prior) else None


def _fill_places(block: Block, planned: State, config: State, prior: State | None, provider: ProviderConfig) -> None:
    """Project, region and zone follow the provider's, so a change of those shows in the plan, as with Google's."""
    for name in ("project", "region", "zone"):
        attribute = block["attributes"].get(name)
        if attribute and attribute["is"].startswith("oc") and config.get(name) is None and provider.place(name):
            before = prior and prior.get(name)
            planned[name] = before if before and same_link(before, provider.place(name)) else provider.place(name)
    policy = block["attributes"].get("deletion_policy")
    if policy and "c" in policy["is"] and config.get("deletion_policy") is None:
        planned["deletion_policy"] = provider.deletion_policy


def _keep_same_links(block: Block, prior: Any, planned: Any) -> None:
    """Another spelling of the same resource is no change."""
    if not isinstance(prior, dict) or not isinstance(planned, dict):
        return
    for name, attribute in block["attributes"].items():
        if "l" in attribute["is"] and same_link(prior.get(name), planned.get(name)):
            planned[name] = prior[name]
    for name, nested in block["blocks"].items():
        before, after = prior.get(name), planned.get(name)
        if nested["nesting"] == "list" and isinstance(before, list) and isinstance(after, list):
            for old, new in zip(before, after, strict=False):
                _keep_same_links(nested["block"], old, new)


def _replacing(block: Block, prior: Any, planned: Any, path: Path) -> Iterator[Path]:
    """The paths whose change makes a new resource."""
    if not isinstance(prior, dict) or not isinstance(planned, dict):
        return
    for name, attribute in block["attributes"].items():
        if "n" in attribute["is"] and prior.get(name) != planned.get(name):
            yield (*path, name)
    for name, nested in block["blocks"].items():
        before, after = prior.get(name) or [], planned.get(name) or []
        yield from _replacing_nested(nested, before, after, (*path, name))


def _replacing_nested(nested: dict[str, Any], before: Any, after: Any, path: Path) -> Iterator[Path]:
    if nested["nesting"] == "single":
        yield from _replacing(nested["block"], before, after, path)
    elif nested["nesting"] == "set":
        if nested.get("force_new") and before != after:
            yield path
    elif isinstance(before, list) and isinstance(after, list):
        if nested.get("force_new") and len(before) != len(after):
            yield path
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            yield from _replacing(nested["block"], old, new, (*path, index))
