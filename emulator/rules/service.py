"""An API of the project: it is on, or it is off."""

from ..project_traits import ProjectTraits
from ..store import CloudObject
from .kind import Membership, World


class ServiceKind(Membership):
    def created(self, world: World, thing: CloudObject) -> None:
        super().created(world, thing)
        traits = ProjectTraits.of(world.store)
        traits.apis_off = [name for name in traits.apis_off if name != thing.state.get("service")]
        traits.keep(world.store)
