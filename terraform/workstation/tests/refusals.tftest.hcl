# What is refused, by the variable that is wrong. A run holds as many wrong values as do not get in each other's way:
# every variable it expects has to fail.

mock_provider "google" {}

variables {
  project         = "pocket-project"
  zone            = "europe-west4-a"
  name            = "grace-cpu-k3x9q2"
  stack_id        = "k3x9q2"
  owner           = "grace_example_com"
  machine_type    = "n2-standard-4"
  boot_image      = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  disk_size_gb    = 100
  ssh_username    = "grace"
  ssh_public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0 grace@laptop"]
}

run "accelerator_for_a_built_in_gpu" {
  command = plan

  variables {
    machine_type = "g2-standard-8"
    accelerator  = { type = "nvidia-tesla-t4", count = 1 }
  }

  expect_failures = [var.accelerator]
}

run "accelerator_for_a_series_without" {
  command = plan

  variables {
    machine_type = "n2-standard-4"
    accelerator  = { type = "nvidia-tesla-t4", count = 1 }
  }

  expect_failures = [var.accelerator]
}

run "accelerator_that_n1_does_not_take" {
  command = plan

  variables {
    machine_type = "n1-standard-8"
    accelerator  = { type = "nvidia-l4", count = 1 }
  }

  expect_failures = [var.accelerator]
}

run "accelerator_count_of_zero" {
  command = plan

  variables {
    machine_type = "n1-standard-8"
    accelerator  = { type = "nvidia-tesla-t4", count = 0 }
  }

  expect_failures = [var.accelerator]
}

run "persistent_disk_on_the_fourth_generation" {
  command = plan

  variables {
    machine_type = "g4-standard-48"
  }

  expect_failures = [var.disk_type]
}

run "machine_type_as_path_and_project_in_capitals" {
  command = plan

  variables {
    machine_type = "zones/europe-west4-a/machineTypes/n2-standard-4"
    project      = "Pocket-Project"
  }

  expect_failures = [var.machine_type, var.project]
}

run "gpu_without_one_and_values_too_small" {
  command = plan

  variables {
    boot_disk_size_gb = 9
    disk_size_gb      = 9
    gpu               = true
    name              = "grace-k3x9q"
    owner             = ""
    ssh_public_keys   = [""]
    ssh_username      = ""
    stack_id          = "k3x9q"
    zone              = ""
  }

  expect_failures = [var.boot_disk_size_gb, var.disk_size_gb, var.gpu, var.owner, var.ssh_public_keys, var.ssh_username, var.stack_id, var.zone]
}

run "gpu_on_n1_without_accelerator_and_values_too_large" {
  command = plan

  variables {
    boot_disk_size_gb = 65537
    disk_size_gb      = 65537
    gpu               = true
    machine_type      = "n1-standard-8"
    name              = "a-name-of-fifty-one-characters-is-one-too-ma-k3x9q2"
    ssh_username      = "a-user-name-of-thirty-three-chars"
    stack_id          = "k3x9q2"
  }

  expect_failures = [var.boot_disk_size_gb, var.disk_size_gb, var.gpu, var.name, var.ssh_username]
}

run "values_of_another_form" {
  command = plan

  variables {
    boot_image            = "ubuntu-2404-lts-amd64"
    boot_snapshot         = "my snapshot"
    disk_size_gb          = 10.5
    disk_type             = "floppy"
    name                  = "grace-cpu"
    network               = "https://elsewhere.test/default"
    owner                 = "grace@example.com"
    service_account_email = "workstation"
    ssh_public_keys       = ["-----BEGIN OPENSSH PRIVATE KEY-----"]
    ssh_username          = "jupyter"
    subnetwork            = "my subnet"
    zone                  = "europe-west4"
  }

  expect_failures = [var.boot_image, var.boot_snapshot, var.disk_size_gb, var.disk_type, var.name, var.network, var.owner, var.service_account_email, var.ssh_public_keys, var.ssh_username, var.subnetwork, var.zone]
}

run "hostile_values" {
  command = plan

  variables {
    boot_image      = "ubuntu-os-cloud/../../elsewhere"
    name            = "Grace;id-k3x9q2"
    disk_name       = "persistent_disk"
    address_name    = "ip;id"
    ssh_public_keys = ["ssh-ed25519 AAAAC3Nz grace\nroot:ssh-ed25519 AAAAC3Nz eve"]
    ssh_username    = "root"
    zone            = "../europe-west4-a"
  }

  expect_failures = [var.address_name, var.boot_image, var.disk_name, var.name, var.ssh_public_keys, var.ssh_username, var.zone]
}

run "more_hostile_values" {
  command = plan

  variables {
    name            = "grace\n-k3x9q2"
    ssh_public_keys = ["command=\"id\" ssh-ed25519 AAAAC3Nz grace"]
    ssh_username    = "grace:x"
    zone            = "europe-west4-a\n"
  }

  expect_failures = [var.name, var.ssh_public_keys, var.ssh_username, var.zone]
}

run "limits_that_google_does_not_have" {
  command = plan

  variables {
    run_limit_hours = 2881
  }

  expect_failures = [var.run_limit_hours]
}
