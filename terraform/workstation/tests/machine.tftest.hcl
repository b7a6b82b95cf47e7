# What kinds of machine come out of which variables. Plans only, of a provider that is mocked: no cloud is asked.

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
  ssh_public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0 grace@laptop", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh1"]
}

run "cpu_machine" {
  command = plan

  assert {
    condition     = module.compute_configure.disk_name == "grace-cpu-k3x9q2-home"
    error_message = "The disk's name comes from the machine's."
  }

  assert {
    condition     = output.instance_name == "grace-cpu-k3x9q2" && output.zone == "europe-west4-a"
    error_message = "The portal finds the machine by these outputs."
  }

  assert {
    condition     = output.device_path == "/dev/disk/by-id/google-home"
    error_message = "The portal shows this path in its help on remounting."
  }
}

run "gpu_added" {
  command = plan

  variables {
    machine_type = "n1-standard-8"
    accelerator  = { type = "nvidia-tesla-t4", count = 1 }
    gpu          = true
  }

  assert {
    condition     = output.instance_name == "grace-cpu-k3x9q2"
    error_message = "An n1 takes a T4."
  }
}

run "gpu_built_in_on_hyperdisk" {
  command = plan

  variables {
    machine_type = "g4-standard-48"
    disk_type    = "hyperdisk-balanced"
    gpu          = true
  }

  assert {
    condition     = output.disk_name == "grace-cpu-k3x9q2-home"
    error_message = "A g4 needs no accelerator and takes Hyperdisk."
  }
}

run "no_keys" {
  command = plan

  variables {
    ssh_public_keys = []
  }

  assert {
    condition     = output.instance_name == "grace-cpu-k3x9q2"
    error_message = "Taking the last key away locks a machine; it must not stop Terraform."
  }
}
