locals {
  # Accounts of MLflow itself. MLflow gives the admin every right, and members all but giving rights to others.
  admin_username  = "admin"
  member_username = "member"
}

# The server's identity: it may use its bucket and read its own secrets, and nothing else in the project.
resource "google_service_account" "server" {
  project      = var.project
  account_id   = local.name
  display_name = "MLflow server"
  description  = "stationmaster-stack=${var.stack_id}"
}
