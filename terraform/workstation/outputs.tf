output "address" {
  description = "Public IP address of the machine, or null where only the disk is kept."
  value       = module.compute_configure.address
}

output "device_path" {
  description = "Where the machine sees the data disk; the same after every boot, whatever /dev/sdX it got."
  value       = "/dev/disk/by-id/google-home"
}

output "disk_id" {
  description = "Resource id of the data disk."
  value       = module.compute_configure.disk_id
}

output "disk_name" {
  description = "Name of the data disk."
  value       = module.compute_configure.disk_name
}

output "instance_id" {
  description = "Resource id of the machine, or null where only the disk is kept."
  value       = one(module.compute[*].instance_id)
}

output "instance_name" {
  description = "Name of the machine, or null where only the disk is kept."
  value       = one(module.compute[*].instance_name)
}

output "internal_address" {
  description = "Address of the machine inside its network, or null where only the disk is kept."
  value       = one(module.compute[*].internal_address)
}

output "zone" {
  description = "Zone of the machine and of its disk."
  value       = var.zone
}
