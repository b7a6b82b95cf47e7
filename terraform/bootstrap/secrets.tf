# Empty: what is in a secret would be in the state as well. The outputs say how to fill them.
locals {
  secrets = toset(["database-url", "encryption-keys", "oidc-client-secret"])
  readers = {
    web    = google_service_account.web.member
    worker = google_service_account.worker.member
  }
  readings = {
    for pair in setproduct(local.secrets, keys(local.readers)) : "${pair[0]} ${pair[1]}" => { secret = pair[0], reader = pair[1] }
  }
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
