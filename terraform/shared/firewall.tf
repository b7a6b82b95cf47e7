locals {
  # Google's Identity-Aware Proxy comes from here.
  iap_range = "35.235.240.0/20"

  ssh_ranges    = concat([local.iap_range], var.ssh_allowed_ips)
  pods_ranges   = var.deploy_kubernetes ? [var.kubernetes_pods_ip_range] : []
  mlflow_ranges = var.deploy_mlflow ? concat(var.mlflow_allowed_ips, local.pods_ranges) : []

  # By the first part of the rule's name. One rule is either for IPv4 or for IPv6, hence two of each.
  rules = {
    allow-ssh = {
      purpose = "SSH to workstations."
      ranges  = [for range in local.ssh_ranges : range if !strcontains(range, ":")]
      tag     = "stationmaster-workstation"
      port    = 22
    }
    allow-ssh-v6 = {
      purpose = "SSH to workstations."
      ranges  = [for range in local.ssh_ranges : range if strcontains(range, ":")]
      tag     = "stationmaster-workstation"
      port    = 22
    }
    mlflow-access = {
      purpose = "MLflow, from the addresses on the list and from pods."
      ranges  = [for range in local.mlflow_ranges : range if !strcontains(range, ":")]
      tag     = "mlflow-server"
      port    = 5000
    }
    mlflow-access-v6 = {
      purpose = "MLflow, from the addresses on the list."
      ranges  = [for range in local.mlflow_ranges : range if strcontains(range, ":")]
      tag     = "mlflow-server"
      port    = 5000
    }
  }

  # A rule without ranges would let in the whole world.
  firewalls = { for name, rule in local.rules : name => rule if length(rule.ranges) > 0 }
}

resource "google_compute_firewall" "ingress" {
  for_each = local.firewalls

  project       = var.project
  network       = local.network
  name          = "${each.key}-${var.prefix}"
  description   = "${each.value.purpose} ${local.description}"
  direction     = "INGRESS"
  source_ranges = each.value.ranges
  target_tags   = [each.value.tag]

  allow {
    protocol = "tcp"
    ports    = [each.value.port]
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
  description  = local.description
  labels       = local.labels

  # The description says whose it is before Google has set its labels. Another one would replace the address.
  lifecycle {
    ignore_changes = [description]
  }

  depends_on = [module.services]
}
