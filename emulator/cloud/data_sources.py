"""Data sources: values that replace those made up by the provider."""

from collections.abc import Callable

from emulator.cloud.cloud import Cloud
from emulator.core.catalog import REGIONS, image_size, region_zones
from emulator.core.errors import CloudError, not_found
from emulator.core.ids import ADDRESS, DISK, SECRET_VERSION, last, link, region_of
from emulator.core.projects import project_number
from emulator.core.store import Json
from emulator.rules.secret import no_secret, versions_of


class DataSource:
    """A lookup: `config` is the data block, `provider` its project, region and zone."""

    def __init__(self, cloud: Cloud, type_: str, config: Json, provider: Json) -> None:
        self.cloud = cloud
        self.type = type_
        self.config = config
        self.project = str(config.get("project") or provider.get("project") or cloud.context.project)
        zone = config.get("zone") or provider.get("zone")
        self.zone = last(str(zone or ""))
        self.region = last(str(config.get("region") or provider.get("region") or region_of(self.zone) or REGIONS[0]))

    def read(self) -> Json:
        """The values. Raises CloudError if the resource does not exist."""
        found = READERS.get(self.type)
        return found(self) if found else self._stored()

    def _stored(self) -> Json:
        """The resource of this type with this name."""
        named = self.config.get("name") or self.config.get("account_id") or self.config.get("secret_id")
        if self.config.get("self_link"):
            named = last(str(self.config["self_link"]))
        for resource in self.cloud.store.all(self.type):
            if named and last(resource.id).partition("@")[0] == str(named).partition("@")[0]:
                return resource.state
        raise not_found(f"projects/{self.project}/{self.type}/{named}")

    def _scoped(self, scope: str, collection: str) -> Json:
        name = self.config.get("name") or last(str(self.config.get("self_link") or ""))
        resource = self.cloud.find(self.type, f"projects/{self.project}/{scope}/{collection}/{name}")
        return resource.state

    def disk(self) -> Json:
        return self._scoped(f"zones/{self.zone}", "disks")

    def address(self) -> Json:
        return self._scoped(f"regions/{self.region}", "addresses")

    def client_config(self) -> Json:
        where = {"project": self.project, "region": self.region, "zone": self.zone}
        return {"id": f"projects/{self.project}/regions/{self.region}/zones/{self.zone}", **where}

    def project_itself(self) -> Json:
        project = str(self.config.get("project_id") or self.project)
        return {
            "id": f"projects/{project}",
            "project_id": project,
            "name": project,
            "number": project_number(project),
        }

    def image(self) -> Json:
        project, family = str(self.config.get("project") or self.project), self.config.get("family")
        size = image_size(project, str(family)) if family else 10
        if size is None:
            raise not_found(f"projects/{project}/global/images/family/{family}")
        name = self.config.get("name") or f"{family}-v20260101"
        id_ = f"projects/{project}/global/images/{name}"
        return {"id": id_, "name": name, "self_link": link(id_), "disk_size_gb": size, "status": "READY"}

    def zones(self) -> Json:
        if self.region not in REGIONS:
            raise not_found(f"projects/{self.project}/regions/{self.region}")
        return {"id": f"projects/{self.project}/regions/{self.region}", "names": region_zones(self.region)}

    def network(self) -> Json:
        return self._default_or_stored(f"projects/{self.project}/global/networks/default")

    def subnetwork(self) -> Json:
        return self._default_or_stored(f"projects/{self.project}/regions/{self.region}/subnetworks/default")

    def _default_or_stored(self, default: str) -> Json:
        if self.config.get("name", "default") != "default":
            return self._stored()
        return {"id": default, "name": "default", "self_link": link(default)}

    def secret_version(self) -> Json:
        secret = f"projects/{self.project}/secrets/{last(str(self.config.get('secret')))}"
        versions = versions_of(self.cloud.context, secret)
        wanted = str(self.config.get("version") or "latest")
        for version in versions:
            if wanted in ("latest", last(version.id)):
                payload = version.secret.get("secret_data_wo") or version.state.get("secret_data")
                return {"id": version.id, "name": version.id, "version": last(version.id), "secret_data": payload}
        if versions:
            raise CloudError(404, f"Secret Version [{secret}/versions/{wanted}] not found.")
        raise no_secret(secret)


READERS: dict[str, Callable[[DataSource], Json]] = {
    ADDRESS: DataSource.address,
    DISK: DataSource.disk,
    SECRET_VERSION: DataSource.secret_version,
    "google_client_config": DataSource.client_config,
    "google_compute_image": DataSource.image,
    "google_compute_network": DataSource.network,
    "google_compute_subnetwork": DataSource.subnetwork,
    "google_compute_zones": DataSource.zones,
    "google_project": DataSource.project_itself,
}
