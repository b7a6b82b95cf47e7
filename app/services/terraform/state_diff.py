"""What changed between two Terraform states, in the form of the plan view."""

from collections.abc import Iterator

from app.services.terraform.attributes import Attribute, Change, Clean, Side, differences
from app.services.terraform.scrub import Scrubber, secrets_of_state
from app.services.terraform.state_resources import Instance
from app.services.terraform.state_resources import instances as instances_of
from app.services.terraform.state_resources import outputs as outputs_of
from app.services.terraform.state_versions import State

_NOTHING = Side(None)
_ACTIONS = {(False, True): "create", (True, True): "update", (True, False): "delete"}


def changes(before: State | None, after: State) -> list[Change]:
    """The resources that were created, changed and deleted, by address. Without `before`, all were created."""
    return list(_changes(before, after, _clean(before, after)))


def outputs(before: State | None, after: State) -> list[Attribute]:
    """The outputs that differ."""
    old, new = outputs_of(before) if before else {}, outputs_of(after)
    clean = _clean(before, after)
    return [
        found
        for name in sorted(old.keys() | new.keys())
        for found in differences(old.get(name, _NOTHING), new.get(name, _NOTHING), clean, path=(name,))
    ]


def _changes(before: State | None, after: State, clean: Clean) -> Iterator[Change]:
    old, new = _by_place(before), _by_place(after)
    for place in sorted(old.keys() | new.keys()):
        some = new.get(place) or old[place]
        attributes = differences(_attributes(old.get(place)), _attributes(new.get(place)), clean)
        reason = _reason(old.get(place), new.get(place))
        action = _ACTIONS[place in old, place in new]
        if attributes or reason or action != "update":
            yield Change(
                address=clean(some.address),
                type=some.type,
                name=clean(some.name),
                action=action,
                imported=False,
                reason=reason,
                attributes=attributes,
            )


def _by_place(state: State | None) -> dict[tuple[str, str], Instance]:
    found = instances_of(state) if state else ()
    return {(instance.address, instance.deposed): instance for instance in found}


def _attributes(instance: Instance | None) -> Side:
    return instance.attributes if instance else _NOTHING


def _reason(was: Instance | None, now: Instance | None) -> str | None:
    if now is None:
        return None
    if now.deposed and was is None:
        return "it was replaced and has not been deleted yet"
    is_news = was is None or not was.is_tainted
    return "its creation failed" if now.is_tainted and is_news else None


def _clean(before: State | None, after: State) -> Clean:
    """Hides the sensitive values of both states, also where they are not marked as sensitive."""
    return Scrubber(secrets_of_state(after) | (secrets_of_state(before) if before else set())).clean
