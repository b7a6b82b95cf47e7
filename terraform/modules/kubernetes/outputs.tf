output "cluster_name" {
  description = "Name of the cluster."
  value       = google_container_cluster.this.name
}

output "location" {
  description = "Region of the cluster."
  value       = google_container_cluster.this.location
}

output "network_id" {
  description = "The cluster's network, as projects/PROJECT/global/networks/NAME."
  value       = google_compute_network.this.id
}

output "network_name" {
  description = "Name of the cluster's network."
  value       = google_compute_network.this.name
}

output "nodes_service_account_email" {
  description = "Service account of the nodes: it pulls the images."
  value       = google_service_account.nodes.email
}

output "pods_ip_range" {
  description = "Addresses of the pods, which is what they show to a peered network."
  value       = google_compute_subnetwork.this.secondary_ip_range[0].ip_cidr_range
}

output "service_account_email" {
  description = "Service account that pods act as by workload identity."
  value       = google_service_account.pods.email
}
