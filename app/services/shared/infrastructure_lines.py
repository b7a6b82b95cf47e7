"""Commands and code to copy for each part of the infrastructure."""

import re

REGISTRY = "team"
"""The name of the Python registry in the settings of pip, uv and Poetry."""
MLFLOW_IN_PYTHON = """import mlflow

mlflow.set_experiment("my-experiment")
with mlflow.start_run():
    mlflow.log_param("learning_rate", 3e-4)
    mlflow.log_metric("loss", 0.42)"""


def configuration(project: str) -> str:
    """A name for gcloud's configuration: the project's ID without a domain before it."""
    return re.sub(r"[^a-z0-9-]", "-", project.rpartition(":")[2])


def gcloud(project: str, email: str, region: str, zone: str) -> str:
    """Create a gcloud configuration for this project, and sign gcloud and Google's libraries in."""
    return f"""gcloud config configurations create {configuration(project)}
gcloud config set project {project}
gcloud config set account {email}
gcloud config set compute/region {region}
gcloud config set compute/zone {zone}
gcloud auth login
gcloud auth application-default login"""


def mlflow(url: str, user: str, password: str) -> str:
    """Environment variables for MLflow's client."""
    return f"""export MLFLOW_TRACKING_URI={url}
export MLFLOW_TRACKING_USERNAME={user}
export MLFLOW_TRACKING_PASSWORD={password}"""


def mlflow_on_a_workstation(url: str, user: str, secret: str, project: str) -> str:
    """Environment variables for MLflow's client on a workstation, whose service account reads the password."""
    return mlflow(url, user, f'"$(gcloud secrets versions access latest --secret={secret} --project={project})"')


def psql(address: str, user: str, database: str) -> str:
    """Connect from within the network. The server requires encryption."""
    return f'psql "host={address} dbname={database} user={user} sslmode=require"'


def psql_through_ssh(address: str, user: str, database: str) -> str:
    """Connect through a workstation."""
    return f"""ssh -N -L 5432:{address}:5432 WORKSTATION &
{psql("localhost", user, database)}"""


def docker_on_a_workstation(url: str) -> str:
    """Have Docker get its credentials from gcloud."""
    return f"gcloud auth configure-docker {url.partition('/')[0]}"


def docker_as(account: str, url: str) -> str:
    """Log Docker in for an hour as this service account, without a key."""
    return f"""gcloud auth print-access-token --impersonate-service-account={account} \\
  | docker login -u oauth2accesstoken --password-stdin https://{url.partition("/")[0]}"""


def docker_push(url: str) -> str:
    """Push an image, and pull it."""
    return f"""docker tag my-image {url}/my-image:1
docker push {url}/my-image:1
docker pull {url}/my-image:1"""


def token() -> str:
    """A token for the account that gcloud uses; on a workstation, that is its service account."""
    return 'export TOKEN="$(gcloud auth print-access-token)"'


def token_as(account: str) -> str:
    """A token for this service account, without a key."""
    return f'export TOKEN="$(gcloud auth print-access-token --impersonate-service-account={account})"'


def _with_token(url: str) -> str:
    return url.replace("https://", "https://oauth2accesstoken:$TOKEN@", 1)


def pip(url: str) -> str:
    """Install a package with pip, which cannot upload."""
    return f"""pip install --extra-index-url "{_with_token(url)}/simple/" my-package
pip install twine
twine upload --repository-url {url}/ -u oauth2accesstoken -p "$TOKEN" dist/*"""


def uv(url: str) -> str:
    """The index for pyproject.toml, and commands for uv."""
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
    """Settings for Poetry, with one name for the source and the upload, so that both use the same variables."""
    variable = f"POETRY_HTTP_BASIC_{REGISTRY.upper()}"
    return f"""export {variable}_USERNAME=oauth2accesstoken {variable}_PASSWORD="$TOKEN"
poetry source add --priority=explicit {REGISTRY} {url}/simple/
poetry add --source {REGISTRY} my-package
poetry config repositories.{REGISTRY} {url}/
poetry publish --build --repository {REGISTRY}"""


def gsutil(bucket: str) -> str:
    """List and copy files."""
    return f"""gsutil ls gs://{bucket}
gsutil cp model.bin gs://{bucket}/models/
gsutil -m rsync -r gs://{bucket}/dataset /home/jupyter/dataset"""


def gsutil_as(account: str, bucket: str) -> str:
    """List and copy files as this service account, without a key, and have Google's libraries do the same."""
    return f"""gsutil -i {account} ls gs://{bucket}
gcloud auth application-default login --impersonate-service-account={account}"""


def storage_in_python(bucket: str, project: str) -> str:
    """List and copy files with google-cloud-storage."""
    return f"""from google.cloud import storage

bucket = storage.Client(project="{project}").bucket("{bucket}")
bucket.blob("models/model.bin").upload_from_filename("model.bin")
bucket.blob("dataset/train.jsonl").download_to_filename("train.jsonl")"""


def cluster_credentials(cluster: str, location: str, project: str) -> str:
    """Get credentials for the cluster by its DNS name, where IAM decides about access."""
    return f"""gcloud components install gke-gcloud-auth-plugin
gcloud container clusters get-credentials {cluster} \\
  --location={location} --project={project} --dns-endpoint
kubectl get pods"""


def pods_account(account: str) -> str:
    """The Kubernetes service account that terraform/modules/kubernetes lets act as this Google service account."""
    return f"""kubectl create serviceaccount stationmaster --namespace=default
kubectl annotate serviceaccount stationmaster --namespace=default \\
  iam.gke.io/gcp-service-account={account}"""
