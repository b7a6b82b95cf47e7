mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = { address = "203.0.113.77" }
  }
}

run "mocked" {
  assert {
    condition     = output.address == "203.0.113.77"
    error_message = "the mock's address was expected"
  }
}
