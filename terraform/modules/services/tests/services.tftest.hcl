# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project = "pocket-project"
}

run "apis" {
  command = plan

  assert {
    condition     = alltrue([for service in google_project_service.this : service.disable_on_destroy == false])
    error_message = "An API that was switched on stays on: others may use it."
  }

  assert {
    condition     = contains(output.services, "compute.googleapis.com") && contains(output.services, "sqladmin.googleapis.com")
    error_message = "Machines and databases need theirs."
  }
}

run "no_api" {
  command = plan

  variables {
    services = ["compute"]
  }

  expect_failures = [var.services]
}
