resource "google_sql_database_instance" "this" {
  #checkov:skip=CKV_GCP_6:ssl_mode refuses what is not encrypted; the check knows only client certificates
  #checkov:skip=CKV_GCP_108:a name is looked up for each connection, and there are addresses only
  #checkov:skip=CKV_GCP_109:the default, warning, says more
  #checkov:skip=CKV_GCP_110:pgAudit logs statements, and those hold data
  #checkov:skip=CKV_GCP_111:statements hold data
  #checkov:skip=CKV2_GCP_13:durations without statements tell nothing
  project             = var.project
  region              = var.region
  name                = var.generation == 1 ? "postgres-${var.prefix}" : "postgres-${var.generation}-${var.prefix}"
  database_version    = var.database_version
  deletion_protection = var.deletion_protection

  settings {
    # Named, because the newer PostgreSQLs come in the dearer edition otherwise.
    edition           = "ENTERPRISE"
    tier              = var.tier
    availability_type = "ZONAL"
    disk_type         = "PD_SSD"
    disk_autoresize   = true
    user_labels       = var.labels

    # Google's own protection as well: Terraform's knows only of deletes by Terraform.
    deletion_protection_enabled = var.deletion_protection

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "02:00"
    }

    # Who came, who went, and who waited. No statements: they would hold what people store.
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
  }

  # The address is private only once the connection is there, and nothing else in here says so.
  depends_on = [google_service_networking_connection.this]
}
