# A snapshot that somebody looks into: a disk made from it, for the time being. The machine mounts it read-only at
# /home/jupyter/.snapshots/DATE (startup_snapshots.sh). Here it can be written: ext4 has to repair what a running machine left.
resource "google_compute_disk" "opened" {
  #checkov:skip=CKV_GCP_37:Google's own encryption at rest is enough here; a lost key would lose the disk
  for_each = { for opened in var.opened_snapshot[*] : opened.date => opened }

  project  = var.project
  zone     = var.zone
  name     = "${var.name}-opened-${each.key}"
  labels   = var.labels
  size     = each.value.size_gb
  type     = each.value.disk_type
  snapshot = each.value.name

  lifecycle {
    # The machine lets it go before it is deleted.
    create_before_destroy = true

    # The snapshot may be deleted while the disk made from it is in use.
    ignore_changes = [snapshot]
  }
}
