output "fill_secrets" {
  description = "Commands that fill the secrets; each reads its value from the terminal, so that it is in no history."
  value = join("\n", [
    for name in sort(local.secrets) :
    "gcloud secrets versions add ${google_secret_manager_secret.setting[name].secret_id} --data-file=- --project=${var.project}"
  ])
}

output "settings" {
  description = "Lines for the portal's environment, the last one for web alone. The secret ones are read from Secret Manager when it starts."
  value = join("\n", concat(
    [
      "export STATIONMASTER_GOOGLE_PROJECT=${var.project}",
      "export STATIONMASTER_SECRET_PREFIX=${var.secret_prefix}",
    ],
    [for account in google_service_account.workstation : "export STATIONMASTER_SERVICE_ACCOUNT_EMAIL=${account.email}"],
    length(var.shared_parts) > 0 ? ["export STATIONMASTER_SHARED_PARTS=${join(",", sort(var.shared_parts))}"] : [],
    [
      for setting, name in {
        DATABASE_URL                     = "database-url"
        STATIONMASTER_ENCRYPTION_KEYS    = "encryption-keys"
        STATIONMASTER_OIDC_CLIENT_SECRET = "oidc-client-secret"
      } :
      "export ${setting}=\"$(gcloud secrets versions access latest --secret=${google_secret_manager_secret.setting[name].secret_id} --project=${var.project})\""
    ],
  ))
}

output "web_service_account" {
  description = "What web runs as."
  value       = google_service_account.web.email
}

output "worker_service_account" {
  description = "What the worker runs as."
  value       = google_service_account.worker.email
}
