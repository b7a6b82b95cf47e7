# A network of its own, so that pods meet nothing but what a peering or a firewall lets them.
resource "google_compute_network" "this" {
  #checkov:skip=CKV2_GCP_18:GKE makes the firewall rules of its nodes by itself
  project                 = var.project
  name                    = "kubernetes-${var.prefix}"
  description             = local.description
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  #checkov:skip=CKV_GCP_26:flow logs cost by the gigabyte, and nobody would read them
  project                  = var.project
  region                   = var.region
  name                     = "kubernetes-${var.prefix}"
  description              = local.description
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.nodes_ip_range
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.pods_ip_range
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.services_ip_range
  }
}

# The nodes have no public addresses: this is how pods reach package indexes and model hubs.
resource "google_compute_router" "this" {
  project     = var.project
  region      = var.region
  name        = "kubernetes-${var.prefix}"
  description = local.description
  network     = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  project                            = var.project
  region                             = var.region
  name                               = "kubernetes-${var.prefix}"
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

locals {
  # The types in here have no labels.
  description = "stationmaster-stack=${var.stack_id}"
}
