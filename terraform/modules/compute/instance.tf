locals {
  # Series that bring their own GPU (a2, a3, g2, g4 …) refuse live migration just as an added GPU does.
  has_gpu = var.gpu || var.accelerator != null || can(regex("^[ag][2-9]", var.machine_type))

  # The fourth generation (c4, g4, n4 …) takes Hyperdisk only, the earlier ones boot from Persistent Disk.
  boot_disk_type = can(regex("^[a-z]+4", var.machine_type)) ? "hyperdisk-balanced" : "pd-balanced"
}

# desired_status is left out on purpose: with it each apply would undo a start or stop made through the Compute API.
resource "google_compute_instance" "workstation" {
  #checkov:skip=CKV_GCP_32:set in metadata.tf, where the check does not see it
  #checkov:skip=CKV_GCP_38:Google's own encryption at rest is enough here; a lost key would lose the disk
  #checkov:skip=CKV_GCP_40:people come by SSH to this address; the shared stack's firewall says from where
  project      = var.project
  zone         = var.zone
  name         = var.name
  machine_type = var.machine_type
  labels       = var.labels
  metadata     = local.metadata

  # The SSH firewall of the shared stack lets in what bears this tag, and nothing else.
  tags = ["stationmaster-workstation"]

  # Google changes the machine type, the service account and Shielded VM of a stopped machine only.
  allow_stopping_for_update = true

  boot_disk {
    auto_delete = true

    # Any change in here but a larger size replaces the machine. The image is a family as text: the provider then does not
    # mind when Google publishes the family's next image, while an image looked up by a data source would replace the
    # machine every month.
    initialize_params {
      image    = var.boot_snapshot == null ? var.boot_image : null
      snapshot = var.boot_snapshot
      size     = var.boot_disk_size_gb
      type     = local.boot_disk_type
    }
  }

  # The disk is there from the first boot on, and outlives the machine (the README says why it is not a resource apart).
  attached_disk {
    source      = var.data_disk
    device_name = local.device_name
    mode        = "READ_WRITE"
  }

  dynamic "attached_disk" {
    for_each = google_compute_disk.opened

    content {
      source      = attached_disk.value.self_link
      device_name = "snapshot-${attached_disk.key}"
      mode        = "READ_WRITE"
    }
  }

  dynamic "guest_accelerator" {
    for_each = var.accelerator[*]

    content {
      type  = guest_accelerator.value.type
      count = guest_accelerator.value.count
    }
  }

  network_interface {
    # A subnetwork says which network it belongs to; naming both invites a contradiction.
    network    = var.subnetwork == null ? var.network : null
    subnetwork = var.subnetwork

    access_config {
      nat_ip = var.address
    }
  }

  scheduling {
    provisioning_model          = var.spot ? "SPOT" : "STANDARD"
    preemptible                 = var.spot
    automatic_restart           = !var.spot
    instance_termination_action = var.spot || var.run_limit_hours > 0 ? "STOP" : null

    # Neither a machine with a GPU nor a Spot machine can move while it runs.
    on_host_maintenance = local.has_gpu || var.spot ? "TERMINATE" : "MIGRATE"

    dynamic "max_run_duration" {
      for_each = var.run_limit_hours > 0 ? [var.run_limit_hours * 3600] : []

      content {
        seconds = max_run_duration.value
      }
    }
  }

  # Without a service account the machine has no rights in the project at all, not even the default account's.
  dynamic "service_account" {
    for_each = var.service_account_email[*]

    content {
      email  = service_account.value
      scopes = ["cloud-platform"]
    }
  }

  shielded_instance_config {
    # NVIDIA's kernel modules are not signed by a key that Secure Boot knows, and a snapshot may hold such modules too.
    enable_secure_boot          = !local.has_gpu && var.boot_snapshot == null
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    # a2-ultragpu, a3 and g4 come with local SSDs that nobody asks for. Google's provider reads them back, finds them in no
    # configuration, and would replace the machine at every apply.
    # A limit counts from the creation on; later the portal sets it when it starts the machine. Google's provider would
    # replace the machine for another one.
    ignore_changes = [scratch_disk, scheduling[0].max_run_duration, scheduling[0].instance_termination_action]
  }
}
