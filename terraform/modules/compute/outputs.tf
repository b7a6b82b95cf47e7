output "instance_id" {
  description = "Resource id of the machine: projects/PROJECT/zones/ZONE/instances/NAME."
  value       = google_compute_instance.workstation.id
}

output "instance_name" {
  description = "Name of the machine."
  value       = google_compute_instance.workstation.name
}

output "internal_address" {
  description = "Address of the machine inside its network."
  value       = google_compute_instance.workstation.network_interface[0].network_ip
}
