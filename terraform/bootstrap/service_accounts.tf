# None of them gets a key: the machine or the Cloud Run service that runs a process has its account attached, or
# somebody listed in web_members and worker_members acts as it.
resource "google_service_account" "web" {
  project      = var.project
  account_id   = "${var.name}-web"
  display_name = "Stationmaster: web"
  description  = "Makes and reads the secrets of the SSH keys, and nothing else."

  depends_on = [google_project_service.api]
}

resource "google_service_account" "worker" {
  project      = var.project
  account_id   = "${var.name}-worker"
  display_name = "Stationmaster: worker"
  description  = "Runs Terraform."

  depends_on = [google_project_service.api]
}

resource "google_service_account" "workstation" {
  count = var.create_workstation_account ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-workstation"
  display_name = "Stationmaster: workstations"
  description  = "What machines act as. It has no rights until somebody grants them."

  depends_on = [google_project_service.api]
}

locals {
  acting = merge(
    { for member in var.web_members : "web ${member}" => { account = google_service_account.web.name, member = member } },
    { for member in var.worker_members : "worker ${member}" => { account = google_service_account.worker.name, member = member } },
  )
}

resource "google_service_account_iam_member" "acting" {
  for_each = local.acting

  service_account_id = each.value.account
  member             = each.value.member
  # Principals of a workload identity pool exchange a token of their own; people and accounts ask for one.
  role = startswith(each.value.member, "principal") ? "roles/iam.workloadIdentityUser" : "roles/iam.serviceAccountTokenCreator"
}
