# Objects in these keep their former versions. Who comes to the data is logged; results can be made again.
resource "google_storage_bucket" "versioned" {
  #checkov:skip=CKV_GCP_62:data is logged, by a block that the check does not see; results can be made again
  for_each = toset(["data", "evaluation-results"])

  project                     = var.project
  location                    = var.region
  name                        = "${each.key}-${var.prefix}"
  labels                      = var.labels
  force_destroy               = var.force_destroy
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  dynamic "logging" {
    for_each = each.key == "data" ? [google_storage_bucket.data_logs.name] : []

    content {
      log_bucket = logging.value
    }
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

# Apart from the others: the data bucket needs it to be there first.
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
