mock_provider "google" {}

variables {
  project          = "pocket-project"
  region           = "europe-west4"
  zone             = "europe-west4-a"
  prefix           = "vision"
  stack_id         = "k3x9q2"
  network          = "default"
  address          = "203.0.113.7"
  admin_password   = "admin-Sesame-1"
  member_password  = "member-Sesame-1"
  flask_secret_key = "flask-Sesame-1"
}

run "address" {
  command = plan

  assert {
    condition     = output.url == "http://203.0.113.7:5000"
    error_message = "The server answers at the address that was reserved for it."
  }
}
