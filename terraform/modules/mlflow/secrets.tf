locals {
  # By the environment variable that the server finds each in.
  secret_ids = {
    MLFLOW_AUTH_ADMIN_PASSWORD     = "MLFLOW-${upper(var.prefix)}-ADMIN-PASSWORD"
    MLFLOW_FLASK_SERVER_SECRET_KEY = "MLFLOW-${upper(var.prefix)}-FLASK-SECRET-KEY"
    MLFLOW_MEMBER_PASSWORD         = "MLFLOW-${upper(var.prefix)}-MEMBER-PASSWORD"
  }
}

resource "google_secret_manager_secret" "server" {
  for_each = local.secret_ids

  project   = var.project
  secret_id = each.value
  labels    = local.labels

  replication {
    auto {}
  }
}

# The new version comes before the old one goes: the server may boot at any time.
resource "google_secret_manager_secret_version" "admin_password" {
  secret                 = google_secret_manager_secret.server["MLFLOW_AUTH_ADMIN_PASSWORD"].id
  secret_data_wo         = var.admin_password
  secret_data_wo_version = var.secrets_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_version" "flask_secret_key" {
  secret                 = google_secret_manager_secret.server["MLFLOW_FLASK_SERVER_SECRET_KEY"].id
  secret_data_wo         = var.flask_secret_key
  secret_data_wo_version = var.secrets_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_version" "member_password" {
  secret                 = google_secret_manager_secret.server["MLFLOW_MEMBER_PASSWORD"].id
  secret_data_wo         = var.member_password
  secret_data_wo_version = var.secrets_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "server" {
  for_each = local.secret_ids

  project   = var.project
  secret_id = google_secret_manager_secret.server[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.server
}

resource "google_secret_manager_secret_iam_member" "sql_password" {
  count = var.sql == null ? 0 : 1

  project   = var.project
  secret_id = var.sql.password_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = local.server
}
