provider "google" {
  project = var.project
  # Resource Manager and others bill their quota to the project, not to the operator's own.
  user_project_override = true
  billing_project       = var.project
}
