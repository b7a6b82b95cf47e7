# Everything MLflow keeps is in here, its accounts too: their tables have names of their own.
resource "google_sql_database" "mlflow" {
  count = var.sql == null ? 0 : 1

  project         = var.project
  instance        = var.sql.instance
  name            = "mlflow"
  deletion_policy = var.deletion_protection ? "PREVENT" : "DELETE"
}
