locals {
  # What differs between the formats: the first part of the name, what people read, and where clients find it.
  formats = {
    DOCKER = { name = "container-registry", description = "Docker images", host = "docker.pkg.dev", scheme = "" }
    PYTHON = { name = "pypi-registry", description = "Python packages", host = "python.pkg.dev", scheme = "https://" }
  }
  format = local.formats[var.format]
}

resource "google_artifact_registry_repository" "this" {
  #checkov:skip=CKV_GCP_84:Google's own encryption at rest is enough here; a key of one's own has to be kept and paid for
  project       = var.project
  location      = var.region
  repository_id = "${local.format.name}-${var.prefix}"
  description   = local.format.description
  format        = var.format
  labels        = var.labels
}

resource "google_artifact_registry_repository_iam_member" "writer" {
  for_each = var.writers

  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this.repository_id
  role       = "roles/artifactregistry.writer"
  member     = each.value
}

resource "google_artifact_registry_repository_iam_member" "reader" {
  for_each = var.readers

  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this.repository_id
  role       = "roles/artifactregistry.reader"
  member     = each.value
}
