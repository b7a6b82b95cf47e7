# Switched on and never off: an API may be somebody else's as well, and switching it off breaks what uses it.
resource "google_project_service" "this" {
  for_each = var.services

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}
