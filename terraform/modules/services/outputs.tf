output "services" {
  description = "APIs that are switched on."
  value       = toset([for service in google_project_service.this : service.service])
}
