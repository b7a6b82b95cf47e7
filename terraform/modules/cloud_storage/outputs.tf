# Names follow from the variables: while resources are imported one by one, the others of a set cannot be asked for theirs.

output "data_bucket_name" {
  description = "Bucket for data: versioned, its accesses logged."
  value       = "data-${var.prefix}"

  depends_on = [google_storage_bucket.versioned]
}

output "data_logs_bucket_name" {
  description = "Bucket with the access logs of the data bucket."
  value       = google_storage_bucket.data_logs.name
}

output "evaluation_bucket_name" {
  description = "Bucket for the results of evaluations."
  value       = "evaluation-results-${var.prefix}"

  depends_on = [google_storage_bucket.versioned]
}
