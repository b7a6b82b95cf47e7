resource "google_storage_bucket" "artifacts" {
  #checkov:skip=CKV_GCP_62:nobody but the server comes here, and MLflow knows who sent what
  #checkov:skip=CKV_GCP_78:artifacts are written once, and versions would keep what was deleted to save money

  project                     = var.project
  name                        = "mlflow-artifacts-${var.prefix}"
  location                    = var.region
  labels                      = local.labels
  force_destroy               = var.artifacts_bucket_force_destroy
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

# Clients send their artifacts through the server, so that nobody else needs rights in the bucket.
resource "google_storage_bucket_iam_member" "server" {
  bucket = google_storage_bucket.artifacts.name
  role   = "roles/storage.objectAdmin"
  member = local.server
}
