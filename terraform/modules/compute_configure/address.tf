# Reserved apart from the machine, so that a rebuilt machine answers at the same address.
resource "google_compute_address" "static_ip" {
  count = var.reserve_address ? 1 : 0

  project = var.project
  # A zone is its region and one more part: europe-west4-a lies in europe-west4.
  region       = regex("^(.+)-[^-]+$", var.zone)[0]
  name         = coalesce(var.address_name, "${var.name}-ip")
  address_type = "EXTERNAL"
  description  = var.address_description
  labels       = var.labels

  # Another description would replace the address. Those reserved before it had one keep theirs.
  lifecycle {
    ignore_changes = [description]
  }
}
