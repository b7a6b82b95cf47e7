# Empty: what is in a secret would be in the state as well. The outputs say how to fill them.
locals {
  readers = {
    web    = google_service_account.web.member
    worker = google_service_account.worker.member
  }
  # Nobody signs in at the worker.
  readers_of = {
    database-url       = ["web", "worker"]
    encryption-keys    = ["web", "worker"]
    oidc-client-secret = ["web"]
  }
  secrets = toset(keys(local.readers_of))
  readings = merge([
    for secret, readers in local.readers_of : { for reader in readers : "${secret} ${reader}" => { secret = secret, reader = reader } }
  ]...)
}

resource "google_secret_manager_secret" "setting" {
  for_each = local.secrets

  project   = var.project
  secret_id = "${var.name}-${each.key}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = local.readings

  project   = var.project
  secret_id = google_secret_manager_secret.setting[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.readers[each.value.reader]
}
