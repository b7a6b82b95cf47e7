# What outlives a machine. Plans of a mocked provider: no cloud is asked.

mock_provider "google" {}

variables {
  project      = "pocket-project"
  zone         = "northamerica-northeast1-b"
  name         = "grace-cpu-k3x9q2"
  labels       = { stationmaster-owner = "grace", stationmaster-stack = "k3x9q2" }
  disk_size_gb = 100

  address_description = "stationmaster-stack=k3x9q2"
}

run "disk_and_address" {
  command = plan

  assert {
    condition = (
      google_compute_disk.data.project == "pocket-project" &&
      google_compute_disk.data.zone == "northamerica-northeast1-b" &&
      google_compute_disk.data.name == "grace-cpu-k3x9q2-home"
    )
    error_message = "After a crash the disk is found by what the plan says of these three."
  }

  assert {
    condition     = google_compute_disk.data.size == 100 && google_compute_disk.data.type == "pd-balanced"
    error_message = "The disk is of the size and type that were asked for."
  }

  assert {
    condition     = google_compute_disk.data.image == null && google_compute_disk.data.snapshot == null
    error_message = "The disk is blank: one made from an image has partitions and a UUID that is not its own."
  }

  assert {
    condition     = google_compute_disk.data.description == null
    error_message = "A change of a description would replace the disk."
  }

  assert {
    condition     = google_compute_address.static_ip[0].description == "stationmaster-stack=k3x9q2"
    error_message = "The description says whose the address is before it has its labels."
  }

  assert {
    condition = (
      google_compute_address.static_ip[0].project == "pocket-project" &&
      google_compute_address.static_ip[0].region == "northamerica-northeast1" &&
      google_compute_address.static_ip[0].name == "grace-cpu-k3x9q2-ip" &&
      google_compute_address.static_ip[0].address_type == "EXTERNAL"
    )
    error_message = "The address is reserved in the region of the zone."
  }

  assert {
    condition     = google_compute_disk.data.labels == var.labels && google_compute_address.static_ip[0].labels == var.labels
    error_message = "The labels say whose they are."
  }
}

run "no_address" {
  command = plan

  variables {
    reserve_address = false
  }

  assert {
    condition     = length(google_compute_address.static_ip) == 0 && output.address == null
    error_message = "Where just the disk is kept nothing else costs money."
  }
}

run "taken_over" {
  command = plan

  variables {
    disk_name    = "persistent-disk-grace"
    address_name = "static-ip-grace"
  }

  assert {
    condition = (
      google_compute_disk.data.name == "persistent-disk-grace" &&
      google_compute_address.static_ip[0].name == "static-ip-grace"
    )
    error_message = "What was there before keeps its name: another one would replace it."
  }
}
