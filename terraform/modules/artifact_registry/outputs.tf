output "name" {
  description = "Name of the registry."
  value       = google_artifact_registry_repository.this.repository_id
}

output "url" {
  description = "What an image's name starts with, or where packages are uploaded; pip's index is that and `/simple/`."
  value       = "${local.format.scheme}${var.region}-${local.format.host}/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
