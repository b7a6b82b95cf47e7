# Cloud SQL lives in a network of Google's. It is reached at a private address, through a peering with a range set aside
# for it: there is no address for the rest of the world to knock at.
resource "google_compute_global_address" "private_range" {
  project       = var.project
  name          = "sql-range-${var.prefix}"
  description   = "stationmaster-stack=${var.stack_id}"
  labels        = var.labels
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
  network       = var.network
}

# One for each network: where somebody made it before, the range takes the place of those it had. Google keeps it in use for
# hours or days after the last instance has gone, and refuses to delete it meanwhile: so it stays, and costs nothing.
resource "google_service_networking_connection" "this" {
  network                 = var.network
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.private_range.name]
  update_on_creation_fail = true
  deletion_policy         = "ABANDON"
}
