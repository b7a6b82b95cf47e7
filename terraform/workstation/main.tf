locals {
  # How the portal knows its own: a resource that bears another stack's id is never touched.
  labels = {
    stationmaster-owner = var.owner
    stationmaster-stack = var.stack_id
  }
}

# What outlives the machine.
module "compute_configure" {
  source = "../modules/compute_configure"

  project         = var.project
  zone            = var.zone
  name            = var.name
  disk_name       = var.disk_name
  address_name    = var.address_name
  labels          = local.labels
  disk_size_gb    = var.disk_size_gb
  disk_snapshot   = var.disk_snapshot
  disk_type       = var.disk_type
  reserve_address = !var.disk_only

  address_description = "stationmaster-stack=${var.stack_id}"
}

module "compute" {
  source = "../modules/compute"
  count  = var.disk_only ? 0 : 1

  project               = var.project
  zone                  = var.zone
  name                  = var.name
  labels                = local.labels
  stack_id              = var.stack_id
  machine_type          = var.machine_type
  accelerator           = var.accelerator
  gpu                   = var.gpu
  spot                  = var.spot
  boot_image            = var.boot_image
  boot_snapshot         = var.boot_snapshot
  boot_disk_size_gb     = var.boot_disk_size_gb
  data_disk             = module.compute_configure.disk_self_link
  opened_snapshot       = var.opened_snapshot
  home_on_data_disk     = var.home_on_data_disk
  network               = var.network
  subnetwork            = var.subnetwork
  address               = module.compute_configure.address
  portal_url            = var.portal_url
  run_limit_hours       = var.run_limit_hours
  service_account_email = var.service_account_email
  ssh_username          = var.ssh_username
  ssh_public_keys       = var.ssh_public_keys
}
