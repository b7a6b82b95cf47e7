# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project  = "pocket-project"
  region   = "europe-west4"
  prefix   = "vision"
  stack_id = "k3x9q2"
  labels   = { stationmaster-stack = "k3x9q2" }
}

run "cluster" {
  command = plan

  assert {
    condition = (
      google_container_cluster.this.enable_autopilot && google_container_cluster.this.deletion_protection &&
      google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    )
    error_message = "Nodes come by themselves, have private addresses, and the cluster is kept from being deleted."
  }

  assert {
    condition     = length(google_container_cluster.this.master_authorized_networks_config[0].cidr_blocks) == 0
    error_message = "The control plane answers at no address from anywhere."
  }

  assert {
    condition = (
      google_compute_subnetwork.this.secondary_ip_range[0].ip_cidr_range == "10.20.0.0/16" && output.pods_ip_range == "10.20.0.0/16" &&
      google_compute_subnetwork.this.ip_cidr_range == "10.16.0.0/22"
    )
    error_message = "The ranges are known before anything exists: firewalls need them."
  }

  assert {
    condition     = google_service_account_iam_member.workload_identity.member == "serviceAccount:pocket-project.svc.id.goog[default/stationmaster]"
    error_message = "Pods that say so act as the pods' account."
  }
}
