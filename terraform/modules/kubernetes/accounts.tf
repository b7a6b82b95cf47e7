# What the nodes act as: they log, report and pull images. It is in place of the default account, an editor of the project.
resource "google_service_account" "nodes" {
  project      = var.project
  account_id   = "gke-nodes-${var.prefix}"
  display_name = "Kubernetes nodes"
  description  = local.description
}

resource "google_project_iam_member" "nodes" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:${google_service_account.nodes.email}"
}

# What pods act as that say so, by their Kubernetes service account. All other pods have no rights in the project.
resource "google_service_account" "pods" {
  project      = var.project
  account_id   = "gke-pods-${var.prefix}"
  display_name = "Kubernetes pods"
  description  = local.description
}

resource "google_service_account_iam_member" "workload_identity" {
  service_account_id = google_service_account.pods.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[${var.pods_service_account}]"

  # The project has such names once it has a cluster.
  depends_on = [google_container_cluster.this]
}
