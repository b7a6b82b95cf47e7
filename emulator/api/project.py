"""The project in Google's other APIs: Resource Manager, Billing, Service Usage, IAM, Cloud SQL and GKE."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.call_log import CallLog
from emulator.cloud.cloud import Cloud
from emulator.core.errors import CloudError, not_found
from emulator.core.project_settings import ProjectSettings
from emulator.core.projects import with_project_id
from emulator.core.store import CloudResource, Json
from emulator.rules.iam import CONCURRENT_CHANGES, Policy, PolicyBinding
from emulator.rules.network import SQL_INSTANCE
from emulator.views.managed import CLUSTER, cluster_view, sql_instance_view
from emulator.views.project import billing_view, enabled_services, policy_view, project_view, service_view
from emulator.web.bodies import json_body

PAGE_SIZE = 50
LARGEST_PAGE = 200
MOST_PERMISSIONS = 100
"""Google's limits for a page of services, and for permissions in one request."""


class ProjectApi:
    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        self._cloud = cloud
        self._calls = calls

    def routes(self) -> list[BaseRoute]:
        project = "projects/{project}"
        account = f"{project}/serviceAccounts/{{account}}"
        return [
            self._route(f"/v3/{project}", "cloudresourcemanager", "get", self.get),
            self._route(
                f"/v3/{project}:testIamPermissions", "cloudresourcemanager", "testIamPermissions", self.test, "POST"
            ),
            self._route(f"/v3/{project}:getIamPolicy", "cloudresourcemanager", "getIamPolicy", self.policy, "POST"),
            self._route(f"/v3/{project}:setIamPolicy", "cloudresourcemanager", "setIamPolicy", self.set_policy, "POST"),
            self._route(f"/v1/{project}/billingInfo", "cloudbilling", "getBillingInfo", self.billing),
            self._route(f"/v1/{project}/services", "serviceusage", "listServices", self.services),
            self._route(f"/v1/{project}/instances/{{name}}", "sqladmin", "getSqlInstance", self.sql_instance),
            self._route(
                f"/v1/{project}/locations/{{location}}/clusters/{{name}}", "container", "getCluster", self.cluster
            ),
            self._route(f"/v1/{account}:testIamPermissions", "iam", "testIamPermissions", self.test, "POST"),
        ]

    async def get(self, request: Request, settings: ProjectSettings) -> Json:
        return project_view(self._cloud.context.project)

    async def test(self, request: Request, settings: ProjectSettings) -> Json:
        asked = (await json_body(request)).get("permissions") or []
        if len(asked) > MOST_PERMISSIONS:
            raise CloudError(400, f"At most {MOST_PERMISSIONS} permissions may be tested in one request.")
        granted = [permission for permission in asked if permission not in settings.denied]
        return {"permissions": granted} if granted else {}

    async def policy(self, request: Request, settings: ProjectSettings) -> Json:
        return policy_view(Policy.of(self._cloud.store, self._cloud.context.project))

    async def set_policy(self, request: Request, settings: ProjectSettings) -> Json:
        """Set the IAM policy. Raises CloudError (409) if the request has an outdated etag."""
        asked, project = (await json_body(request)).get("policy") or {}, self._cloud.context.project
        policy = Policy.of(self._cloud.store, project)
        if asked.get("etag", policy.etag) != policy.etag:
            raise CloudError(409, CONCURRENT_CHANGES, "aborted")
        policy.bindings = [PolicyBinding(**binding) for binding in asked.get("bindings") or []]
        policy.save(self._cloud.store, project)
        return policy_view(policy)

    async def billing(self, request: Request, settings: ProjectSettings) -> Json:
        return billing_view(self._cloud.context.project, is_enabled=settings.billing)

    async def services(self, request: Request, settings: ProjectSettings) -> Json:
        if request.query_params.get("filter") != "state:ENABLED":
            raise CloudError(400, "The emulator lists what is enabled only: filter=state:ENABLED")
        size, start = request.query_params.get("pageSize", ""), request.query_params.get("pageToken", "")
        count = min(int(size) if size.isdecimal() and int(size) else PAGE_SIZE, LARGEST_PAGE)
        begin = int(start) if start.isdecimal() else 0
        names = enabled_services(self._cloud.store, settings)
        answer: Json = {
            "services": [service_view(self._cloud.context.project, n) for n in names[begin : begin + count]]
        }
        if begin + count < len(names):
            answer["nextPageToken"] = str(begin + count)
        return answer

    async def sql_instance(self, request: Request, settings: ProjectSettings) -> Json:
        return sql_instance_view(self._cloud.context, self._named(SQL_INSTANCE, request.path_params["name"]))

    async def cluster(self, request: Request, settings: ProjectSettings) -> Json:
        resource = self._named(CLUSTER, request.path_params["name"])
        if resource.state.get("location") != request.path_params["location"]:
            raise not_found(resource.id)
        return cluster_view(self._cloud.context, resource)

    def _named(self, type_: str, name: str) -> CloudResource:
        """A resource by its name. Raises CloudError (404)."""
        for resource in self._cloud.store.all(type_):
            if resource.state.get("name") == name:
                return resource
        raise not_found(name)

    def _route(
        self,
        path: str,
        service: str,
        op: str,
        handler: Callable[[Request, ProjectSettings], Awaitable[Json]],
        method: str = "GET",
    ) -> Route:
        async def answer(request: Request) -> Response:
            name = with_project_id(f"projects/{request.path_params['project']}/", self._cloud.context.project)
            try:
                with self._calls.call(op, "project", name):
                    await self._cloud.inject_faults(op, "project", name)
                    settings = self._admitted(name.split("/")[1], service)
                    return JSONResponse(await handler(request, settings))
            except CloudError as error:
                return JSONResponse(error.for_one_platform(), status_code=error.code)

        return Route(path, answer, methods=[method])

    def _admitted(self, project: str, service: str) -> ProjectSettings:
        """Raise CloudError (403) for a disabled API, and for another project, whether it exists or not."""
        settings = ProjectSettings.of(self._cloud.store)
        if project not in (self._cloud.context.project, "-"):
            raise CloudError(403, "The caller does not have permission")
        if f"{service}.googleapis.com" in settings.apis_off:
            raise CloudError(
                403,
                f"{service}.googleapis.com has not been used in project {project} before or it is disabled. Enable it, "
                "then retry. If you enabled this API recently, wait a few minutes and retry.",
            )
        return settings
