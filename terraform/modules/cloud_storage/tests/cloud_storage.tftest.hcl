# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project = "pocket-project"
  region  = "europe-west4"
  prefix  = "vision"
  labels  = { stationmaster-stack = "k3x9q2" }
}

run "buckets" {
  command = plan

  assert {
    condition     = [output.data_bucket_name, output.data_logs_bucket_name, output.evaluation_bucket_name] == ["data-vision", "data-logs-vision", "evaluation-results-vision"]
    error_message = "Each bucket is found by its name."
  }

  assert {
    condition = alltrue([
      for bucket in concat([google_storage_bucket.data_logs], values(google_storage_bucket.versioned)) :
      bucket.uniform_bucket_level_access && bucket.public_access_prevention == "enforced" && !bucket.force_destroy && bucket.labels == var.labels
    ])
    error_message = "No bucket is public, none goes with what is in it, and all say whose they are."
  }

  assert {
    condition     = google_storage_bucket.versioned["data"].versioning[0].enabled && google_storage_bucket.versioned["data"].logging[0].log_bucket == "data-logs-vision"
    error_message = "Data that was overwritten can be had back, and who read it is written down."
  }
}

run "half_a_day" {
  command = plan

  variables {
    keep_days = 0.5
  }

  expect_failures = [var.keep_days]
}
