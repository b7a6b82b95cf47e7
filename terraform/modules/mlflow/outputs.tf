output "admin_password_secret" {
  description = "Id of the secret with the admin's password."
  value       = "MLFLOW-ADMIN-PASSWORD-${var.prefix}"
}

output "admin_username" {
  description = "User name of MLflow's admin."
  value       = "admin"
}

output "bucket_name" {
  description = "Bucket of the artifacts."
  value       = "mlflow-artifacts-${var.prefix}"
}

output "database_name" {
  description = "Database on the SQL instance."
  value       = var.sql_instance == null ? null : "mlflow"
}

output "instance_name" {
  description = "Name of the machine."
  value       = "mlflow-${var.prefix}"
}

output "member_password_secret" {
  description = "Id of the secret with the members' password."
  value       = "MLFLOW-MEMBER-PASSWORD-${var.prefix}"
}

output "member_username" {
  description = "User name that members log experiments with."
  value       = "member"
}

output "network_tag" {
  description = "Network tag of the machine, for firewalls."
  value       = "mlflow-server"
}

output "service_account_email" {
  description = "Service account of the machine."
  value       = "mlflow-${var.prefix}@${var.project}.iam.gserviceaccount.com"
}

output "url" {
  description = "Where the server answers."
  value       = "http://${var.address}:5000"
}
