# The disk outlives the machine. The runs share one state, as the runs of a stack do; the provider is mocked.

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

run "create" {
  assert {
    condition     = output.address != null && output.internal_address != null && output.instance_id != null
    error_message = "A machine has an address, outside and inside."
  }
}

run "keep_only_the_disk" {
  variables {
    disk_only = true
  }

  assert {
    condition     = output.disk_id == run.create.disk_id
    error_message = "The disk that stays is the same disk."
  }

  assert {
    condition = alltrue([
      for value in [output.address, output.instance_id, output.instance_name, output.internal_address] : value == null
    ])
    error_message = "Nothing but the disk stays."
  }
}

run "build_the_machine_again" {
  assert {
    condition     = output.disk_id == run.create.disk_id
    error_message = "The new machine gets the disk that was kept."
  }

  assert {
    condition     = output.address != null && output.instance_name == "grace-cpu-k3x9q2"
    error_message = "The machine is back, under its name."
  }
}

# No rule on machines may keep a disk from being kept.
run "keep_the_disk_of_a_machine_type_that_is_gone" {
  command = plan

  variables {
    disk_only       = true
    machine_type    = "n4-standard-4"
    ssh_public_keys = []
  }

  assert {
    condition     = output.disk_name == "grace-cpu-k3x9q2-home"
    error_message = "The disk stays."
  }
}
