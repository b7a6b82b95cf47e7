resource "google_storage_bucket" "data" {
  project                     = var.project
  location                    = var.region
  name                        = "data-${var.prefix}"
  labels                      = var.labels
  force_destroy               = var.force_destroy
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  logging {
    log_bucket = google_storage_bucket.data_logs.name
  }

  # What was overwritten or deleted can be had back for this long; without an end it would be paid for ever.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.keep_days
      with_state                 = "ARCHIVED"
    }
  }
}

resource "google_storage_bucket" "data_logs" {
  #checkov:skip=CKV_GCP_62:these are the logs
  #checkov:skip=CKV_GCP_78:a log is written once
  project                     = var.project
  location                    = var.region
  name                        = "data-logs-${var.prefix}"
  labels                      = var.labels
  force_destroy               = var.force_destroy
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = var.keep_days
    }
  }
}

# Google's own group writes the access logs. Under uniform access it needs to be let in by a grant.
resource "google_storage_bucket_iam_member" "access_logs" {
  bucket = google_storage_bucket.data_logs.name
  role   = "roles/storage.objectCreator"
  member = "group:cloud-storage-analytics@google.com"
}

resource "google_storage_bucket" "evaluation_results" {
  #checkov:skip=CKV_GCP_62:results are made by the team itself, and can be made again
  project                     = var.project
  location                    = var.region
  name                        = "evaluation-results-${var.prefix}"
  labels                      = var.labels
  force_destroy               = var.force_destroy
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.keep_days
      with_state                 = "ARCHIVED"
    }
  }
}
