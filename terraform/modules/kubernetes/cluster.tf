# Autopilot: nodes come and go with the pods, and are paid by the pod.
resource "google_container_cluster" "this" {
  #checkov:skip=CKV_GCP_12:Autopilot's network (Dataplane V2) always enforces network policies
  #checkov:skip=CKV_GCP_13:GKE issues no client certificates unless asked to
  #checkov:skip=CKV_GCP_61:Autopilot has intranode visibility always on
  #checkov:skip=CKV_GCP_65:wants a Google group of the organisation, which not every team has
  #checkov:skip=CKV_GCP_66:images come from anywhere here: this is for experiments
  #checkov:skip=CKV_GCP_69:Autopilot has the metadata server always on
  project             = var.project
  location            = var.region
  name                = "kubernetes-${var.prefix}"
  description         = local.description
  resource_labels     = var.labels
  enable_autopilot    = true
  deletion_protection = var.deletion_protection
  network             = google_compute_network.this.id
  subnetwork          = google_compute_subnetwork.this.id

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes = true
  }

  # The control plane is reached by name, where IAM decides, and at no address from anywhere.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = google_service_account.nodes.email
      oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    }
  }

  release_channel {
    channel = "REGULAR"
  }

  # Without the rights to log and to pull, its first nodes would never be ready.
  depends_on = [google_project_iam_member.nodes]
}
