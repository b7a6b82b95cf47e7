# They stay on when this is destroyed: others in the project may use them.
resource "google_project_service" "api" {
  for_each = local.apis

  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

# Conditions on secrets go by the project's number.
data "google_project" "this" {
  project_id = var.project

  depends_on = [google_project_service.api]
}
