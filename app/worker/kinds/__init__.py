"""The kinds of runs, one file each; what the rest of the portal knows of a kind is in app/models/run_kinds.py."""

from importlib import import_module
from pkgutil import iter_modules

from app.worker.attempt import Attempt
from app.worker.kinds.base import KINDS, Kind

for _module in iter_modules(__path__):
    # Each registers what it has: see Kind.
    import_module(f"{__name__}.{_module.name}")


def kind_of(attempt: Attempt) -> Kind:
    """How this attempt's run is carried out."""
    return KINDS[attempt.kind, attempt.root](attempt)
