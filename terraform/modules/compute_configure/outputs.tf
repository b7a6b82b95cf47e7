output "address" {
  description = "The reserved public IP address, or null where none is kept."
  value       = one(google_compute_address.static_ip[*].address)
}

output "disk_id" {
  description = "Resource id of the data disk: projects/PROJECT/zones/ZONE/disks/NAME."
  value       = google_compute_disk.data.id
}

output "disk_name" {
  description = "Name of the data disk."
  value       = google_compute_disk.data.name
}

output "disk_self_link" {
  description = "Self link of the data disk, which is how Google names the disks of a machine."
  value       = google_compute_disk.data.self_link
}
