locals {
  key_secrets = "projects/${data.google_project.this.number}/secrets/COMPUTE-${var.secret_prefix}-"
}

# A secret that does not exist yet has no name that a condition could look at: Google checks its making against the
# project. So making is granted as it is; a role of its own keeps everything else out of that grant.
resource "google_project_iam_custom_role" "key_maker" {
  project     = var.project
  role_id     = "${replace(var.name, "-", "_")}.keyMaker"
  title       = "Stationmaster: make secrets"
  description = "Makes secrets for SSH keys."
  permissions = ["secretmanager.secrets.create"]
}

resource "google_project_iam_custom_role" "key_keeper" {
  project     = var.project
  role_id     = "${replace(var.name, "-", "_")}.keyKeeper"
  title       = "Stationmaster: keep SSH keys"
  description = "Fills, reads and deletes secrets; granted for those of the SSH keys only."
  permissions = ["secretmanager.secrets.delete", "secretmanager.versions.access", "secretmanager.versions.add"]
}

resource "google_project_iam_member" "web_makes_keys" {
  project = var.project
  role    = google_project_iam_custom_role.key_maker.id
  member  = google_service_account.web.member
}

resource "google_project_iam_member" "web_keeps_keys" {
  project = var.project
  role    = google_project_iam_custom_role.key_keeper.id
  member  = google_service_account.web.member

  condition {
    title       = "ssh_keys_only"
    description = "Secrets called COMPUTE-${var.secret_prefix}-…"
    expression  = "resource.name.startsWith(\"${local.key_secrets}\")"
  }
}

resource "google_project_iam_member" "worker" {
  for_each = local.roles

  project = var.project
  role    = each.key
  member  = google_service_account.worker.member
}

resource "google_service_account_iam_member" "worker_gives_it_to_machines" {
  count = var.create_workstation_account ? 1 : 0

  service_account_id = google_service_account.workstation[0].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.worker.member
}
