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

# One for each network: where somebody made it before, the range is added to it.
resource "google_service_networking_connection" "this" {
  network                 = var.network
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.private_range.name]
  update_on_creation_fail = true
}
