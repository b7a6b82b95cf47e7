output "names" {
  description = "Names of the peerings, one in each network."
  value       = [google_compute_network_peering.there.name, google_compute_network_peering.back.name]
}
