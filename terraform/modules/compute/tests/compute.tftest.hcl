# The machine, attribute by attribute. Plans of a mocked provider: no cloud is asked.

mock_provider "google" {}

variables {
  project         = "pocket-project"
  zone            = "europe-west4-a"
  name            = "grace-cpu-k3x9q2"
  labels          = { stationmaster-owner = "grace", stationmaster-stack = "k3x9q2" }
  stack_id        = "k3x9q2"
  machine_type    = "n2-standard-4"
  boot_image      = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  data_disk       = "projects/pocket-project/zones/europe-west4-a/disks/grace-cpu-k3x9q2-home"
  address         = "203.0.113.7"
  ssh_username    = "grace"
  ssh_public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0 grace@laptop", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh1"]
}

run "cpu_machine" {
  command = plan

  assert {
    condition     = length(google_compute_instance.workstation.guest_accelerator) == 0
    error_message = "A CPU machine has no accelerator block."
  }

  assert {
    condition = (
      google_compute_instance.workstation.scheduling[0].on_host_maintenance == "MIGRATE" &&
      google_compute_instance.workstation.scheduling[0].automatic_restart &&
      google_compute_instance.workstation.scheduling[0].provisioning_model == "STANDARD" &&
      !google_compute_instance.workstation.scheduling[0].preemptible
    )
    error_message = "A CPU machine moves during maintenance and comes back after a crash."
  }

  assert {
    condition     = google_compute_instance.workstation.allow_stopping_for_update
    error_message = "Without it a change of machine type fails."
  }

  assert {
    condition     = google_compute_instance.workstation.desired_status == null
    error_message = "A desired status would undo starts and stops made outside Terraform."
  }

  assert {
    condition     = google_compute_instance.workstation.labels == tomap({ stationmaster-owner = "grace", stationmaster-stack = "k3x9q2" })
    error_message = "The labels say whose machine it is."
  }

  assert {
    condition     = google_compute_instance.workstation.tags == toset(["stationmaster-workstation"])
    error_message = "The SSH firewall goes by this tag."
  }

  assert {
    condition     = length(google_compute_instance.workstation.service_account) == 0
    error_message = "No service account unless one is given, and never the default one."
  }

  assert {
    condition     = google_compute_instance.workstation.shielded_instance_config[0].enable_secure_boot
    error_message = "A CPU machine starts from Google's image with Secure Boot."
  }

  assert {
    condition = (
      google_compute_instance.workstation.metadata["block-project-ssh-keys"] == "TRUE" &&
      google_compute_instance.workstation.metadata["enable-oslogin"] == "FALSE" &&
      google_compute_instance.workstation.metadata["enable-guest-attributes"] == "TRUE"
    )
    error_message = "Only the metadata's keys log in, and the machine may say how it is."
  }

  assert {
    condition = google_compute_instance.workstation.metadata["ssh-keys"] == join("\n", [
      "grace:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0 grace@laptop",
      "grace:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh1",
    ])
    error_message = "One line a key, each with the user's name before it."
  }

  assert {
    condition = alltrue([
      for part in ["startup.sh", "startup_disk.sh", "startup_host_keys.sh", "startup_tell.sh"] :
      strcontains(google_compute_instance.workstation.metadata["startup-script"], file("./${part}"))
    ])
    error_message = "The machine's script has every part of it, as it stands."
  }

  assert {
    condition = (
      startswith(google_compute_instance.workstation.metadata["startup-script"], "#!/bin/bash\n") &&
      endswith(google_compute_instance.workstation.metadata["startup-script"], "\nmain\n")
    )
    error_message = "What the parts define is run at the end."
  }

  assert {
    condition     = google_compute_instance.workstation.metadata["stationmaster-stack"] == "k3x9q2"
    error_message = "The machine knows whose its disk should be."
  }

  assert {
    condition     = google_compute_instance.workstation.metadata_startup_script == null
    error_message = "metadata_startup_script replaces the machine whenever the script changes."
  }

  assert {
    condition     = !contains(keys(google_compute_instance.workstation.metadata), "install-nvidia-driver")
    error_message = "A machine without a GPU needs no driver."
  }

  assert {
    condition = (
      length(google_compute_instance.workstation.attached_disk) == 1 &&
      google_compute_instance.workstation.attached_disk[0].device_name == "home" &&
      google_compute_instance.workstation.attached_disk[0].source == var.data_disk
    )
    error_message = "startup.sh waits for /dev/disk/by-id/google-home."
  }

  assert {
    condition = (
      google_compute_instance.workstation.boot_disk[0].auto_delete &&
      google_compute_instance.workstation.boot_disk[0].initialize_params[0].image == "ubuntu-os-cloud/ubuntu-2404-lts-amd64" &&
      google_compute_instance.workstation.boot_disk[0].initialize_params[0].size == 50 &&
      google_compute_instance.workstation.boot_disk[0].initialize_params[0].type == "pd-balanced"
    )
    error_message = "The boot disk comes from the image family and goes with the machine."
  }
}

run "boot_from_snapshot" {
  command = plan

  variables {
    boot_snapshot = "grace-before-upgrade"
  }

  assert {
    condition     = google_compute_instance.workstation.boot_disk[0].initialize_params[0].snapshot == "grace-before-upgrade"
    error_message = "The snapshot takes the image's place."
  }

  assert {
    condition     = !google_compute_instance.workstation.shielded_instance_config[0].enable_secure_boot
    error_message = "A snapshot may hold unsigned kernel modules."
  }

  assert {
    condition = (
      google_compute_instance.workstation.network_interface[0].network == "default" &&
      google_compute_instance.workstation.network_interface[0].access_config[0].nat_ip == "203.0.113.7"
    )
    error_message = "The machine answers at its static address."
  }
}

run "subnetwork_and_service_account" {
  command = plan

  variables {
    subnetwork            = "research"
    service_account_email = "workstation@pocket-project.iam.gserviceaccount.com"
  }

  assert {
    condition     = google_compute_instance.workstation.network_interface[0].subnetwork == "research"
    error_message = "A subnetwork takes the network's place."
  }

  assert {
    condition = (
      google_compute_instance.workstation.service_account[0].email == "workstation@pocket-project.iam.gserviceaccount.com" &&
      google_compute_instance.workstation.service_account[0].scopes == toset(["cloud-platform"])
    )
    error_message = "Rights come from the account's roles, not from scopes."
  }
}

run "g2_with_l4_built_in" {
  command = plan

  variables {
    machine_type = "g2-standard-8"
    gpu          = true
  }

  assert {
    condition     = length(google_compute_instance.workstation.guest_accelerator) == 0
    error_message = "A g2 has its L4 built in: a block for it would contradict the machine type."
  }

  assert {
    condition     = google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE"
    error_message = "A machine with a GPU cannot move."
  }

  assert {
    condition     = !google_compute_instance.workstation.shielded_instance_config[0].enable_secure_boot
    error_message = "Secure Boot refuses NVIDIA's kernel modules."
  }

  assert {
    condition     = google_compute_instance.workstation.metadata["install-nvidia-driver"] == "True"
    error_message = "Images without a driver ask for it at the first login."
  }
}

# The flag may be forgotten; the machine must come up all the same.
run "a2_without_the_gpu_flag" {
  command = plan

  variables {
    machine_type = "a2-highgpu-1g"
  }

  assert {
    condition     = google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE"
    error_message = "An a2 has a GPU, said or not."
  }
}

run "n1_with_t4" {
  command = plan

  variables {
    machine_type = "n1-standard-8"
    accelerator  = { type = "nvidia-tesla-t4", count = 2 }
  }

  assert {
    condition = (
      length(google_compute_instance.workstation.guest_accelerator) == 1 &&
      google_compute_instance.workstation.guest_accelerator[0].type == "nvidia-tesla-t4" &&
      google_compute_instance.workstation.guest_accelerator[0].count == 2
    )
    error_message = "An n1 gets its T4s by a block."
  }

  assert {
    condition     = google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE"
    error_message = "A machine with a GPU cannot move."
  }
}

# It is sold as Spot only.
run "a3_boots_from_persistent_disk" {
  command = plan

  variables {
    machine_type = "a3-highgpu-1g"
    spot         = true
  }

  assert {
    condition     = google_compute_instance.workstation.boot_disk[0].initialize_params[0].type == "pd-balanced"
    error_message = "The third generation still takes Persistent Disk."
  }

  assert {
    condition = (
      google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE" &&
      google_compute_instance.workstation.metadata["install-nvidia-driver"] == "True" &&
      length(google_compute_instance.workstation.guest_accelerator) == 0
    )
    error_message = "An a3 has a GPU, said or not."
  }
}

run "g4_boots_from_hyperdisk" {
  command = plan

  variables {
    machine_type = "g4-standard-48"
  }

  assert {
    condition = (
      google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE" &&
      length(google_compute_instance.workstation.guest_accelerator) == 0
    )
    error_message = "A g4 has a GPU, said or not."
  }

  assert {
    condition     = google_compute_instance.workstation.boot_disk[0].initialize_params[0].type == "hyperdisk-balanced"
    error_message = "The fourth generation takes no Persistent Disk."
  }
}

run "spot" {
  command = plan

  variables {
    spot = true
  }

  assert {
    condition = (
      google_compute_instance.workstation.scheduling[0].provisioning_model == "SPOT" &&
      google_compute_instance.workstation.scheduling[0].preemptible &&
      !google_compute_instance.workstation.scheduling[0].automatic_restart &&
      google_compute_instance.workstation.scheduling[0].on_host_maintenance == "TERMINATE" &&
      google_compute_instance.workstation.scheduling[0].instance_termination_action == "STOP"
    )
    error_message = "A Spot machine is stopped, not deleted, when Google wants the capacity back."
  }
}

run "accelerator_for_built_in_gpu" {
  command = plan

  variables {
    machine_type = "g2-standard-8"
    accelerator  = { type = "nvidia-l4", count = 1 }
  }

  expect_failures = [var.accelerator]
}
