# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project = "pocket-project"
  region  = "europe-west4"
  prefix  = "vision"
  format  = "DOCKER"
  writers = { builds = "serviceAccount:builds@pocket-project.iam.gserviceaccount.com" }
}

run "images" {
  command = plan

  assert {
    condition     = output.name == "container-registry-vision" && google_artifact_registry_repository.this.format == "DOCKER"
    error_message = "The registry is found by its name."
  }

  assert {
    condition     = output.url == "europe-west4-docker.pkg.dev/pocket-project/container-registry-vision"
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

run "packages" {
  command = plan

  variables {
    format = "PYTHON"
  }

  assert {
    condition     = output.name == "pypi-registry-vision" && google_artifact_registry_repository.this.format == "PYTHON"
    error_message = "The registry is found by its name."
  }

  assert {
    condition     = output.url == "https://europe-west4-python.pkg.dev/pocket-project/pypi-registry-vision"
    error_message = "Its address follows from its name."
  }
}

run "another_format" {
  command = plan

  variables {
    format = "MAVEN"
  }

  expect_failures = [var.format]
}
