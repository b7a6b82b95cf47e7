# A rule without ranges would let in the whole world, and one rule is either for IPv4 or for IPv6: hence two of each, made
# only where there is somebody to let in.

locals {
  # Google's Identity-Aware Proxy comes from here.
  iap_range = "35.235.240.0/20"

  ssh_ranges    = concat([local.iap_range], [for range in var.ssh_allowed_ips : range if !strcontains(range, ":")])
  ssh_ranges_v6 = [for range in var.ssh_allowed_ips : range if strcontains(range, ":")]

  mlflow_ranges = var.deploy_mlflow ? concat(
    [for range in var.mlflow_allowed_ips : range if !strcontains(range, ":")],
    var.deploy_kubernetes ? [var.kubernetes_pods_ip_range] : [],
  ) : []
  mlflow_ranges_v6 = var.deploy_mlflow ? [for range in var.mlflow_allowed_ips : range if strcontains(range, ":")] : []
}

resource "google_compute_firewall" "allow_ssh" {
  project       = var.project
  network       = local.network
  name          = "allow-ssh-${var.prefix}"
  description   = "SSH to workstations. ${local.description}"
  direction     = "INGRESS"
  source_ranges = local.ssh_ranges
  target_tags   = ["stationmaster-workstation"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  depends_on = [module.services]
}

resource "google_compute_firewall" "allow_ssh_v6" {
  count = length(local.ssh_ranges_v6) > 0 ? 1 : 0

  project       = var.project
  network       = local.network
  name          = "allow-ssh-v6-${var.prefix}"
  description   = "SSH to workstations. ${local.description}"
  direction     = "INGRESS"
  source_ranges = local.ssh_ranges_v6
  target_tags   = ["stationmaster-workstation"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  depends_on = [module.services]
}

resource "google_compute_firewall" "mlflow_access" {
  count = length(local.mlflow_ranges) > 0 ? 1 : 0

  project       = var.project
  network       = local.network
  name          = "mlflow-access-${var.prefix}"
  description   = "MLflow, from the addresses on the list and from pods. ${local.description}"
  direction     = "INGRESS"
  source_ranges = local.mlflow_ranges
  target_tags   = ["mlflow-server"]

  allow {
    protocol = "tcp"
    ports    = ["5000"]
  }

  depends_on = [module.services]
}

resource "google_compute_firewall" "mlflow_access_v6" {
  count = length(local.mlflow_ranges_v6) > 0 ? 1 : 0

  project       = var.project
  network       = local.network
  name          = "mlflow-access-v6-${var.prefix}"
  description   = "MLflow, from the addresses on the list. ${local.description}"
  direction     = "INGRESS"
  source_ranges = local.mlflow_ranges_v6
  target_tags   = ["mlflow-server"]

  allow {
    protocol = "tcp"
    ports    = ["5000"]
  }

  depends_on = [module.services]
}

# MLflow's address stays when its machine is built anew.
resource "google_compute_address" "static_ip" {
  count = var.deploy_mlflow ? 1 : 0

  project      = var.project
  region       = var.region
  name         = "mlflow-ip-${var.prefix}"
  address_type = "EXTERNAL"
  labels       = local.labels

  depends_on = [module.services]
}
