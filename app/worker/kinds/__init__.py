"""The kinds of runs, one file each; what the rest of the portal knows of a kind is in app/models/run_kinds.py."""

from app.models import Root, RunKind
from app.worker.attempt import Attempt
from app.worker.kinds.base import Kind
from app.worker.kinds.check import CheckShared, CheckWorkstation
from app.worker.kinds.configure import Configure
from app.worker.kinds.destroy import Destroy, DestroyShared
from app.worker.kinds.provision import Provision
from app.worker.kinds.rekey import Rekey
from app.worker.kinds.restart import Restart
from app.worker.kinds.start import Start
from app.worker.kinds.stop import Stop
from app.worker.kinds.update import Update

_KINDS: dict[tuple[RunKind, Root], type[Kind]] = {
    (RunKind.PROVISION, Root.WORKSTATION): Provision,
    (RunKind.UPDATE, Root.WORKSTATION): Update,
    (RunKind.DESTROY, Root.WORKSTATION): Destroy,
    (RunKind.REKEY, Root.WORKSTATION): Rekey,
    (RunKind.RESTART, Root.WORKSTATION): Restart,
    (RunKind.START, Root.WORKSTATION): Start,
    (RunKind.STOP, Root.WORKSTATION): Stop,
    (RunKind.CONFIGURE, Root.SHARED): Configure,
    (RunKind.CHECK, Root.WORKSTATION): CheckWorkstation,
    (RunKind.CHECK, Root.SHARED): CheckShared,
    (RunKind.DESTROY, Root.SHARED): DestroyShared,
}


def kind_of(attempt: Attempt) -> Kind:
    """How this attempt's run is carried out."""
    return _KINDS[attempt.kind, attempt.root](attempt)
