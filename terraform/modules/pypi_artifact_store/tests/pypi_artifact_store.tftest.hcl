# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project = "pocket-project"
  region  = "europe-west4"
  prefix  = "vision"
  writers = { builds = "serviceAccount:builds@pocket-project.iam.gserviceaccount.com" }
}

run "registry" {
  command = plan

  assert {
    condition     = output.name == "pypi-registry-vision" && google_artifact_registry_repository.this.format == "PYTHON"
    error_message = "The registry is found by its name."
  }

  assert {
    condition     = output.url == "https://europe-west4-python.pkg.dev/pocket-project/pypi-registry-vision"
    error_message = "Its address follows from its name."
  }

  assert {
    condition = (
      google_artifact_registry_repository_iam_member.writer["builds"].role == "roles/artifactregistry.writer" &&
      length(google_artifact_registry_repository_iam_member.reader) == 0
    )
    error_message = "Who may write is said; nobody else may."
  }
}
