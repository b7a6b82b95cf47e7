locals {
  name        = "mlflow-${var.prefix}"
  network_tag = "mlflow-server"
  server      = "serviceAccount:${google_service_account.server.email}"
  labels      = merge(var.labels, { stationmaster-stack = var.stack_id })

  # Without a password: that is in PGPASSWORD, which libpq reads by itself. So no log and no process list can show it.
  database_uri = (
    var.sql == null
    ? "sqlite:////var/lib/mlflow/mlflow.db"
    : "postgresql+psycopg://${var.sql.user}@${var.sql.private_address}:5432/${google_sql_database.mlflow[0].name}?sslmode=require"
  )

  # Read by systemd for serve.sh, NAME=VALUE a line. Whoever may look at the machine can read these: no secret is in here.
  settings = {
    MLFLOW_ARTIFACTS_DESTINATION = "gs://${google_storage_bucket.artifacts.name}"
    MLFLOW_AUTH_ADMIN_USERNAME   = local.admin_username
    MLFLOW_BACKEND_STORE_URI     = local.database_uri
    MLFLOW_MEMBER_USERNAME       = local.member_username
  }

  # Environment variable and the secret that holds its value, a line each: startup.sh fetches them at every boot.
  secrets = merge(
    local.secret_ids,
    var.sql == null ? {} : { PGPASSWORD = reverse(split("/", var.sql.password_secret))[0] },
  )

  metadata = {
    block-project-ssh-keys = "TRUE"
    enable-oslogin         = "TRUE"

    # As metadata, which changes in place; the metadata_startup_script argument would replace the machine.
    startup-script = file("${path.module}/startup.sh")

    mlflow-version      = var.mlflow_version
    mlflow-settings     = join("", [for name, value in local.settings : "${name}=${value}\n"])
    mlflow-secrets      = join("", [for name, id in local.secrets : "${name} ${id}\n"])
    mlflow-requirements = file("${path.module}/server/requirements.txt")
    mlflow-serve        = file("${path.module}/server/serve.sh")
    mlflow-accounts     = file("${path.module}/server/accounts.py")
    mlflow-unit         = file("${path.module}/server/mlflow.service")
  }
}
