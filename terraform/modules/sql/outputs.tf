output "connection_name" {
  description = "PROJECT:REGION:INSTANCE, which is how the Cloud SQL Auth Proxy names it."
  value       = google_sql_database_instance.this.connection_name
}

output "instance_name" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}

output "password_secret" {
  description = "Id of the secret with the password."
  value       = google_secret_manager_secret.password.secret_id

  # Whoever reads the secret finds a password in it.
  depends_on = [google_secret_manager_secret_version.password]
}

output "private_address" {
  description = "Address of the instance, inside the network only."
  value       = google_sql_database_instance.this.private_ip_address
}

output "user" {
  description = "Name of the user."
  value       = google_sql_user.this.name
}
