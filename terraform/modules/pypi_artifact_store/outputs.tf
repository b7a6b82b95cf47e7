output "name" {
  description = "Name of the registry."
  value       = google_artifact_registry_repository.this.repository_id
}

output "url" {
  description = "Where packages are uploaded; pip's index is this and `/simple/`."
  value       = "https://${var.region}-python.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
