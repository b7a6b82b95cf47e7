# The password is write-only: it goes to Google and into no state. It is written anew when password_version changes.
resource "google_sql_user" "this" {
  project             = var.project
  instance            = google_sql_database_instance.this.name
  name                = var.user
  password_wo         = var.password
  password_wo_version = var.password_version

  # PostgreSQL keeps a user who owns tables. It goes with the instance.
  deletion_policy = "ABANDON"
}

resource "google_secret_manager_secret" "password" {
  project   = var.project
  secret_id = "POSTGRESQL-PASSWORD-${var.prefix}"
  labels    = var.labels

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "password" {
  secret                 = google_secret_manager_secret.password.id
  secret_data_wo         = var.password
  secret_data_wo_version = var.password_version

  # A server that starts while the password changes finds one of the two.
  lifecycle {
    create_before_destroy = true
  }
}
