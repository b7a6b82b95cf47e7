# Keys are for programs outside Google Cloud that cannot impersonate. They are off: a key works for whoever has it, has no
# end, stands in the state, and is forbidden in many organisations.

locals {
  keys = var.create_service_account_keys ? merge(
    { for key in google_service_account_key.artifact_writer : "GCP_ARTIFACT_WRITER_SA_JSON_KEY_B64" => key.private_key },
    { for key in google_service_account_key.data_storage_admin : "GCP_DATA_BUCKET_STORAGE_ADMIN_SA_JSON_KEY_B64" => key.private_key },
  ) : {}

  # Without the keys themselves, which are secret, and so can be no names.
  key_secrets = var.create_service_account_keys ? toset(concat(
    local.deploy_registries ? ["GCP_ARTIFACT_WRITER_SA_JSON_KEY_B64"] : [],
    var.deploy_storage ? ["GCP_DATA_BUCKET_STORAGE_ADMIN_SA_JSON_KEY_B64"] : [],
  )) : toset([])
}

resource "google_service_account_key" "artifact_writer" {
  count = var.create_service_account_keys && local.deploy_registries ? 1 : 0

  service_account_id = google_service_account.artifact_writer[0].name
  keepers            = { version = var.secrets_version }
}

resource "google_service_account_key" "data_storage_admin" {
  count = var.create_service_account_keys && var.deploy_storage ? 1 : 0

  service_account_id = google_service_account.data_storage_admin[0].name
  keepers            = { version = var.secrets_version }
}

resource "google_secret_manager_secret" "credentials" {
  for_each = local.key_secrets

  project   = var.project
  secret_id = "${each.key}-${var.prefix}"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [module.services]
}

resource "google_secret_manager_secret_version" "credentials" {
  for_each = local.key_secrets

  secret                 = google_secret_manager_secret.credentials[each.key].id
  secret_data_wo         = local.keys[each.key]
  secret_data_wo_version = var.secrets_version

  lifecycle {
    create_before_destroy = true
  }
}
