"""The kinds of runs, one file each. Their facts for the rest of the portal are in app/models/run_kinds.py."""

from importlib import import_module
from pkgutil import iter_modules

from app.worker.attempt import Attempt
from app.worker.kinds.base import KINDS, Kind

for _module in iter_modules(__path__):
    # Importing a module registers its kinds (Kind.__init_subclass__).
    import_module(f"{__name__}.{_module.name}")


def kind_of(attempt: Attempt) -> Kind:
    """The object that executes this attempt's run."""
    return KINDS[attempt.kind, attempt.root](attempt)
