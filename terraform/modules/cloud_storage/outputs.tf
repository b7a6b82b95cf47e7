output "data_bucket_name" {
  description = "Bucket for data: versioned, its accesses logged."
  value       = google_storage_bucket.data.name
}

output "data_logs_bucket_name" {
  description = "Bucket with the access logs of the data bucket."
  value       = google_storage_bucket.data_logs.name
}

output "evaluation_bucket_name" {
  description = "Bucket for the results of evaluations."
  value       = google_storage_bucket.evaluation_results.name
}
