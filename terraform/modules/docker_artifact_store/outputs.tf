output "name" {
  description = "Name of the registry."
  value       = google_artifact_registry_repository.this.repository_id
}

output "url" {
  description = "What an image's name starts with: `docker push URL/IMAGE:TAG`."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}
