run "defaults" {
  command = plan

  assert {
    condition     = google_compute_instance.vm.zone == "europe-west4-a"
    error_message = "the provider's zone was expected"
  }
  assert {
    condition     = google_compute_address.ip.region == "europe-west4"
    error_message = "the region of the provider's zone was expected"
  }
  assert {
    condition     = google_compute_disk.home.effective_labels["owner"] == "ada"
    error_message = "labels are known when planning"
  }
  assert {
    condition     = google_compute_address.ip.address_type == "EXTERNAL"
    error_message = "the default was expected"
  }
}
