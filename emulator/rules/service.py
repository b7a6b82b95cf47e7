"""An API of the project: it is on, or it is off."""

from emulator.core.project_settings import ProjectSettings
from emulator.core.store import CloudResource
from emulator.rules.base import Context, MembershipRules


class ServiceRules(MembershipRules):
    def created(self, context: Context, resource: CloudResource) -> None:
        super().created(context, resource)
        settings = ProjectSettings.of(context.store)
        settings.apis_off = [name for name in settings.apis_off if name != resource.state.get("service")]
        settings.save(context.store)
