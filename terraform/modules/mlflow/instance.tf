resource "google_compute_instance" "server" {
  #checkov:skip=CKV_GCP_32:set in metadata.tf, where the check does not see it
  #checkov:skip=CKV_GCP_38:Google's own encryption at rest is enough here; a lost key would lose the disk
  #checkov:skip=CKV_GCP_40:whitelisted people come to this address; the shared stack's firewall says from where

  project             = var.project
  zone                = var.zone
  name                = local.name
  machine_type        = var.machine_type
  labels              = local.labels
  metadata            = local.metadata
  deletion_protection = var.deletion_protection

  # The firewall of the shared stack lets whitelisted addresses in to what bears this tag.
  tags = [local.network_tag]

  # Google changes the machine type of a stopped machine only.
  allow_stopping_for_update = true

  boot_disk {
    auto_delete = true

    # A family as text: an image looked up by a data source would replace the machine every month.
    initialize_params {
      image  = var.boot_image
      size   = var.boot_disk_size_gb
      type   = "pd-balanced"
      labels = local.labels
    }
  }

  network_interface {
    network = var.network

    access_config {
      nat_ip = var.address
    }
  }

  service_account {
    email  = google_service_account.server.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  # What the first boot wants to find. Rights may still take minutes to count: startup.sh waits for them.
  depends_on = [
    google_secret_manager_secret_iam_member.server,
    google_secret_manager_secret_iam_member.sql_password,
    google_secret_manager_secret_version.admin_password,
    google_secret_manager_secret_version.flask_secret_key,
    google_secret_manager_secret_version.member_password,
    google_sql_database.mlflow,
    google_storage_bucket_iam_member.server,
  ]
}
