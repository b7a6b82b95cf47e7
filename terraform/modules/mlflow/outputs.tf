# The ids of secrets follow from the variables: while resources are imported one by one, the others of a map cannot be
# asked for theirs.

output "admin_password_secret" {
  description = "Secret that holds the admin account's password."
  value       = local.secret_ids["MLFLOW_AUTH_ADMIN_PASSWORD"]

  depends_on = [google_secret_manager_secret.server]
}

output "admin_username" {
  description = "MLflow's account with every right."
  value       = local.admin_username
}

output "bucket_name" {
  description = "Bucket of the artifacts."
  value       = google_storage_bucket.artifacts.name
}

output "database_name" {
  description = "MLflow's database in the Cloud SQL instance; null where it is in SQLite."
  value       = one(google_sql_database.mlflow[*].name)
}

output "instance_name" {
  description = "Name of the machine."
  value       = google_compute_instance.server.name
}

output "member_password_secret" {
  description = "Secret that holds the members' password."
  value       = local.secret_ids["MLFLOW_MEMBER_PASSWORD"]

  depends_on = [google_secret_manager_secret.server]
}

output "member_username" {
  description = "MLflow's account that all members share."
  value       = local.member_username
}

output "network_tag" {
  description = "Tag of the machine, for the firewall rule that opens port 5000."
  value       = local.network_tag
}

output "service_account_email" {
  description = "Service account that the server acts as."
  value       = google_service_account.server.email
}

output "url" {
  description = "Where MLflow answers: MLFLOW_TRACKING_URI."
  value       = "http://${var.address}:5000"
}
