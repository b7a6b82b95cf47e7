resource "google_project_iam_member" "admin" {
  #checkov:skip=CKV_GCP_49:the admins administrate; iam_admin_role takes a smaller role
  #checkov:skip=CKV_GCP_117:owner is what the team's leads are; iam_admin_role takes a smaller role
  for_each = var.iam_admins

  project = var.project
  role    = var.iam_admin_role
  member  = each.value

  depends_on = [module.services]
}

# Opt-in: takes the role from everybody who is not on the list. The grants above stay beside it, so that switching this on
# takes nothing away first, and switching it off leaves them.
resource "google_project_iam_binding" "this" {
  count = var.authoritative_admins ? 1 : 0

  project = var.project
  role    = var.iam_admin_role
  members = var.iam_admins

  depends_on = [google_project_iam_member.admin]

  # Destroyed, it would take the role from everybody, those of the list too. To end it, let Terraform forget it first:
  # terraform state rm 'google_project_iam_binding.this[0]'
  lifecycle {
    prevent_destroy = true
  }
}

# The way to a machine without a public port: Google's proxy, which lets in who has this role.
resource "google_project_iam_member" "iap_tunnel" {
  for_each = var.members

  project = var.project
  role    = "roles/iap.tunnelResourceAccessor"
  member  = each.value

  depends_on = [module.services]
}
