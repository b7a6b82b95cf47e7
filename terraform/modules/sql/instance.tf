resource "google_sql_database_instance" "this" {
  project             = var.project
  region              = var.region
  name                = "postgres-${var.prefix}"
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

    dynamic "database_flags" {
      for_each = local.flags

      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  # The address is private only once the connection is there, and nothing else in here says so.
  depends_on = [google_service_networking_connection.this]
}

locals {
  # Who came, who went, and who waited. No statements: they would hold what people store.
  flags = {
    log_checkpoints    = "on"
    log_connections    = "on"
    log_disconnections = "on"
    log_lock_waits     = "on"
  }
}
