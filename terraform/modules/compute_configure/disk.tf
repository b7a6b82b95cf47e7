# The disk is blank, unless it is made from a snapshot: the machine formats it at its first boot (compute/startup.sh). A disk made from an image would come
# with partitions and with the file system UUID of every other disk made from that image.
#
# Changing name, zone or type replaces the disk, and so does a smaller size: the data would be gone.
resource "google_compute_disk" "data" {
  #checkov:skip=CKV_GCP_37:Google's own encryption at rest is enough here; a lost key would lose the disk
  project = var.project
  zone    = var.zone
  name    = coalesce(var.disk_name, "${var.name}-home")
  size    = var.disk_size_gb
  type    = var.disk_type
  labels  = var.labels

  snapshot = var.disk_snapshot

  # What a disk was made from, and is described as, is past: one that was taken over is not to be replaced for it. Whose
  # it is stands in the labels, which change in place.
  lifecycle {
    ignore_changes = [description, image, snapshot]
  }
}
