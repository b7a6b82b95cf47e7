# What an operator's one apply makes. The provider is mocked: no cloud is asked. The project's number is known only
# once the APIs are on, so these apply.

mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
}

variables {
  project = "pocket-project"
}

run "alone" {
  command = apply

  assert {
    condition     = toset(keys(google_project_iam_member.worker)) == toset(["roles/compute.admin"])
    error_message = "A worker that makes workstations only has one role."
  }

  assert {
    condition     = contains(keys(google_project_service.api), "compute") && !contains(keys(google_project_service.api), "container")
    error_message = "Only the APIs of what is made are turned on."
  }

  assert {
    condition     = alltrue([for api in google_project_service.api : api.disable_on_destroy == false])
    error_message = "Others may use an API too: it stays on."
  }

  assert {
    condition     = google_project_iam_custom_role.key_maker.permissions == toset(["secretmanager.secrets.create"])
    error_message = "What is granted without a condition can do nothing but make secrets."
  }

  assert {
    condition     = google_project_iam_member.web_keeps_keys.condition[0].expression == "resource.name.startsWith(\"projects/123456789012/secrets/COMPUTE-STATIONMASTER-\")"
    error_message = "Web reads the SSH keys' secrets and no other."
  }

  assert {
    condition     = length(google_secret_manager_secret.setting) == 3 && length(google_secret_manager_secret_iam_member.reads) == 5
    error_message = "Web reads the three secret settings and the worker two of them, each by a grant on that secret."
  }

  assert {
    condition     = length(google_service_account_iam_member.acting) == 0
    error_message = "Nobody acts as the portal unless it is said who."
  }
}

run "with_parts_and_people" {
  command = apply

  variables {
    create_workstation_account = false
    name                       = "ml-portal"
    secret_prefix              = "ML"
    shared_parts               = ["kubernetes", "sql"]
    web_members                = ["user:ada@example.com"]
    worker_members             = ["principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/*"]
  }

  assert {
    condition = toset(keys(google_project_iam_member.worker)) == toset([
      "roles/cloudsql.admin", "roles/compute.admin", "roles/container.admin", "roles/iam.serviceAccountAdmin",
      "roles/iam.serviceAccountUser", "roles/resourcemanager.projectIamAdmin", "roles/secretmanager.admin",
      "roles/servicenetworking.networksAdmin", "roles/serviceusage.serviceUsageAdmin",
    ])
    error_message = "Each part brings its roles, and those of access."
  }

  assert {
    condition     = toset([for grant in google_service_account_iam_member.acting : grant.role]) == toset(["roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser"])
    error_message = "People ask for a token, principals of a pool exchange theirs."
  }

  assert {
    condition     = google_service_account.web.account_id == "ml-portal-web" && length(google_service_account.workstation) == 0
    error_message = "Names begin with the one given; the machines' account is made only where it is wanted."
  }

  assert {
    condition     = endswith(google_project_iam_member.web_keeps_keys.condition[0].expression, "COMPUTE-ML-\")")
    error_message = "The condition follows the prefix."
  }
}

run "wrong_values" {
  command = plan

  variables {
    name           = "Stationmaster"
    project        = "Pocket"
    secret_prefix  = "a b"
    shared_parts   = ["storage", "mail"]
    web_members    = ["ada@example.com"]
    worker_members = ["allUsers"]
  }

  expect_failures = [var.name, var.project, var.secret_prefix, var.shared_parts, var.web_members, var.worker_members]
}
