# States made before the buckets came from a set are taken over as they are.

moved {
  from = google_storage_bucket.data
  to   = google_storage_bucket.versioned["data"]
}

moved {
  from = google_storage_bucket.evaluation_results
  to   = google_storage_bucket.versioned["evaluation-results"]
}
