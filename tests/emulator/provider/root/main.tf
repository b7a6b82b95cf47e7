terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "8.7.0"
    }
  }
}

provider "google" {
  project = "demo"
  zone    = "europe-west4-a"
}

variable "machine_type" {
  type    = string
  default = "e2-standard-4"
}

variable "disk_size_gb" {
  type    = number
  default = 200
}

variable "stoppable" {
  type    = bool
  default = true
}

variable "labels" {
  type    = map(string)
  default = { owner = "ada" }
}

resource "google_compute_address" "ip" {
  name   = "dev-ip"
  labels = var.labels
}

resource "google_compute_disk" "home" {
  name   = "dev-home"
  type   = "pd-balanced"
  size   = var.disk_size_gb
  labels = var.labels
}

resource "google_compute_instance" "vm" {
  name                      = "dev"
  machine_type              = var.machine_type
  allow_stopping_for_update = var.stoppable
  labels                    = var.labels

  boot_disk {
    initialize_params {
      image = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
    }
  }

  attached_disk {
    source      = google_compute_disk.home.id
    device_name = "home"
  }

  network_interface {
    network = "default"
    access_config {
      nat_ip = google_compute_address.ip.address
    }
  }

  scheduling {
    on_host_maintenance = "TERMINATE"
  }
}

resource "google_compute_firewall" "ssh" {
  name          = "dev-ssh"
  network       = "default"
  source_ranges = ["198.51.100.0/24"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_secret_manager_secret" "key" {
  secret_id = "dev-key"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "key" {
  secret                 = google_secret_manager_secret.key.id
  secret_data_wo         = "never in a state"
  secret_data_wo_version = "1"
}

output "address" {
  value = google_compute_address.ip.address
}
