provider "google" {
  project = var.project
  zone    = var.zone
}
