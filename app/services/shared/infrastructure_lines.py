"""Lines to copy, for each part of the infrastructure: shell, Python and settings files, filled in."""

import re

REGISTRY = "team"
"""What pip, uv and Poetry call the registry for packages."""
MLFLOW_IN_PYTHON = """import mlflow

mlflow.set_experiment("my-experiment")
with mlflow.start_run():
    mlflow.log_param("learning_rate", 3e-4)
    mlflow.log_metric("loss", 0.42)"""


def configuration(project: str) -> str:
    """A name for gcloud's configuration: it takes no domain before the project's id."""
    return re.sub(r"[^a-z0-9-]", "-", project.rpartition(":")[2])


def gcloud(project: str, email: str, region: str, zone: str) -> str:
    """A configuration of gcloud's for this project, and the sign-ins of gcloud itself and of Google's libraries."""
    return f"""gcloud config configurations create {configuration(project)}
gcloud config set project {project}
gcloud config set account {email}
gcloud config set compute/region {region}
gcloud config set compute/zone {zone}
gcloud auth login
gcloud auth application-default login"""


def mlflow(url: str, user: str, password: str) -> str:
    """What MLflow's client reads from the environment."""
    return f"""export MLFLOW_TRACKING_URI={url}
export MLFLOW_TRACKING_USERNAME={user}
export MLFLOW_TRACKING_PASSWORD={password}"""


def mlflow_on_a_workstation(url: str, user: str, secret: str, project: str) -> str:
    """The same, where the machine's service account reads the password."""
    return mlflow(url, user, f'"$(gcloud secrets versions access latest --secret={secret} --project={project})"')


def psql(address: str, user: str, database: str) -> str:
    """Connect inside the network. Only what is encrypted is let in."""
    return f'psql "host={address} dbname={database} user={user} sslmode=require"'


def psql_through_ssh(address: str, user: str, database: str) -> str:
    """Connect through a workstation."""
    return f"""ssh -N -L 5432:{address}:5432 WORKSTATION &
{psql("localhost", user, database)}"""


def docker_on_a_workstation(url: str) -> str:
    """Docker then asks gcloud for each login."""
    return f"gcloud auth configure-docker {url.partition('/')[0]}"


def docker_as(account: str, url: str) -> str:
    """Log in for an hour as that service account, without a key."""
    return f"""gcloud auth print-access-token --impersonate-service-account={account} \\
  | docker login -u oauth2accesstoken --password-stdin https://{url.partition("/")[0]}"""


def docker_push(url: str) -> str:
    """An image there and back."""
    return f"""docker tag my-image {url}/my-image:1
docker push {url}/my-image:1
docker pull {url}/my-image:1"""


def token() -> str:
    """A token of whoever gcloud is signed in as: on a workstation, its service account."""
    return 'export TOKEN="$(gcloud auth print-access-token)"'


def token_as(account: str) -> str:
    """A token of that service account, without a key."""
    return f'export TOKEN="$(gcloud auth print-access-token --impersonate-service-account={account})"'


def _with_token(url: str) -> str:
    return url.replace("https://", "https://oauth2accesstoken:$TOKEN@", 1)


def pip(url: str) -> str:
    """Install; pip itself cannot upload."""
    return f"""pip install --extra-index-url "{_with_token(url)}/simple/" my-package
pip install twine
twine upload --repository-url {url}/ -u oauth2accesstoken -p "$TOKEN" dist/*"""


def uv(url: str) -> str:
    """The index for pyproject.toml, then the commands."""
    return f"""# pyproject.toml
[[tool.uv.index]]
name = "{REGISTRY}"
url = "{url}/simple/"
publish-url = "{url}/"

# then, in your shell
export UV_INDEX_{REGISTRY.upper()}_USERNAME=oauth2accesstoken UV_INDEX_{REGISTRY.upper()}_PASSWORD="$TOKEN"
uv add my-package
uv build && uv publish --index {REGISTRY} -u oauth2accesstoken -p "$TOKEN\""""


def poetry(url: str) -> str:
    """One name for the source and for where to publish, so that one pair of variables does for both."""
    variable = f"POETRY_HTTP_BASIC_{REGISTRY.upper()}"
    return f"""export {variable}_USERNAME=oauth2accesstoken {variable}_PASSWORD="$TOKEN"
poetry source add --priority=explicit {REGISTRY} {url}/simple/
poetry add --source {REGISTRY} my-package
poetry config repositories.{REGISTRY} {url}/
poetry publish --build --repository {REGISTRY}"""


def gsutil(bucket: str) -> str:
    """Look, and copy there and back."""
    return f"""gsutil ls gs://{bucket}
gsutil cp model.bin gs://{bucket}/models/
gsutil -m rsync -r gs://{bucket}/dataset /home/jupyter/dataset"""


def gsutil_as(account: str, bucket: str) -> str:
    """The same as that service account, without a key; and Google's libraries likewise."""
    return f"""gsutil -i {account} ls gs://{bucket}
gcloud auth application-default login --impersonate-service-account={account}"""


def storage_in_python(bucket: str, project: str) -> str:
    """With google-cloud-storage."""
    return f"""from google.cloud import storage

bucket = storage.Client(project="{project}").bucket("{bucket}")
bucket.blob("models/model.bin").upload_from_filename("model.bin")
bucket.blob("dataset/train.jsonl").download_to_filename("train.jsonl")"""


def cluster_credentials(cluster: str, location: str, project: str) -> str:
    """The control plane is reached by name, where IAM decides."""
    return f"""gcloud components install gke-gcloud-auth-plugin
gcloud container clusters get-credentials {cluster} \\
  --location={location} --project={project} --dns-endpoint
kubectl get pods"""


def pods_account(account: str) -> str:
    """The Kubernetes service account that terraform/modules/kubernetes lets act as that one."""
    return f"""kubectl create serviceaccount stationmaster --namespace=default
kubectl annotate serviceaccount stationmaster --namespace=default \\
  iam.gke.io/gcp-service-account={account}"""
