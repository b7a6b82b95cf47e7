# Service accounts are made here and handed out: a project may have about a hundred, and IAM of the project is changed by
# one stack only.

resource "google_service_account" "workstation" {
  count = var.deploy_service_accounts ? 1 : 0

  project      = var.project
  account_id   = "workstation-${var.prefix}"
  display_name = "Workstations"
  description  = local.description

  depends_on = [module.services]
}

# A member's name may be longer than an account's id, and may hold what an id may not: a digest is neither.
resource "google_service_account" "member" {
  for_each = var.member_service_accounts ? var.members : {}

  project      = var.project
  account_id   = "ws-${substr(sha256(each.key), 0, 8)}-${var.prefix}"
  display_name = "Workstations of ${each.key}"
  description  = local.description

  depends_on = [module.services]
}

resource "google_service_account" "artifact_writer" {
  count = local.deploy_registries ? 1 : 0

  project      = var.project
  account_id   = "artifacts-${var.prefix}"
  display_name = "Writes to the registries"
  description  = local.description

  depends_on = [module.services]
}

resource "google_service_account" "data_storage_admin" {
  count = var.deploy_storage ? 1 : 0

  project      = var.project
  account_id   = "storage-${var.prefix}"
  display_name = "Reads and writes the data"
  description  = local.description

  depends_on = [module.services]
}

locals {
  # Who works on a machine: the account of all, and those of single members. The keys follow from variables alone:
  # `terraform import`, by which lost resources are found again, knows nothing of what is not yet in the state.
  workstation_accounts = merge(
    var.deploy_service_accounts ? { "workstation" = google_service_account.workstation[0].member } : {},
    var.member_service_accounts ? {
      # An import knows only those accounts that are in the state already.
      for username in keys(var.members) : "member ${username}" => try(google_service_account.member[username].member, null)
    } : {},
  )

  # Who may act as the two accounts above, from a laptop and without a key.
  impersonators = merge(
    { for admin in var.iam_admins : admin => admin },
    { for principal in values(var.members) : principal => principal },
  )
}

resource "google_service_account_iam_member" "artifact_writer" {
  for_each = local.deploy_registries ? local.impersonators : {}

  service_account_id = google_service_account.artifact_writer[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}

resource "google_service_account_iam_member" "data_storage_admin" {
  for_each = var.deploy_storage ? local.impersonators : {}

  service_account_id = google_service_account.data_storage_admin[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
