# Who may do what with the buckets, registries and secrets. Each grant is for one of them, none for the whole project.

locals {
  artifact_readers = var.deploy_kubernetes ? { "kubernetes nodes" = "serviceAccount:${module.kubernetes[0].nodes_service_account_email}" } : {}
  artifact_writers = merge(
    local.workstation_accounts,
    local.deploy_registries ? { "artifact writer" = google_service_account.artifact_writer[0].member } : {},
  )
  pods = var.deploy_kubernetes ? { "pods" = "serviceAccount:${module.kubernetes[0].service_account_email}" } : {}
}

# objectUser reads, writes and deletes objects, and cannot touch the bucket itself.
resource "google_storage_bucket_iam_member" "data_storage_admin" {
  count = var.deploy_storage ? 1 : 0

  bucket = module.storage[0].data_bucket_name
  role   = "roles/storage.objectUser"
  member = google_service_account.data_storage_admin[0].member
}

resource "google_storage_bucket_iam_member" "compute_data_bucket_user" {
  for_each = var.deploy_storage ? local.workstation_accounts : {}

  bucket = module.storage[0].data_bucket_name
  role   = "roles/storage.objectUser"
  member = each.value
}

resource "google_storage_bucket_iam_member" "gke_data_bucket_reader" {
  for_each = var.deploy_storage ? local.pods : {}

  bucket = module.storage[0].data_bucket_name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "gke_evaluation_bucket_admin" {
  for_each = var.deploy_storage ? local.pods : {}

  bucket = module.storage[0].evaluation_bucket_name
  role   = "roles/storage.objectAdmin"
  member = each.value
}

# Who logs experiments. Artifacts go through the server: nobody else needs rights in its bucket.
resource "google_secret_manager_secret_iam_member" "mlflow_member_password" {
  for_each = var.deploy_mlflow ? merge(local.workstation_accounts, local.pods) : {}

  project   = var.project
  secret_id = module.mlflow[0].member_password_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}
