# What is refused, by the variable that is wrong. A run holds as many wrong values as do not get in each other's way:
# every variable it expects has to fail.

mock_provider "google" {}

variables {
  project                = "pocket-project"
  region                 = "europe-west4"
  zone                   = "europe-west4-a"
  prefix                 = "vision"
  stack_id               = "k3x9q2"
  sql_password           = "sql-Sesame-1"
  mlflow_admin_password  = "admin-Sesame-1"
  mlflow_member_password = "member-Sesame-1"
  mlflow_secret_key      = "flask-Sesame-1"
}

run "open_to_everybody" {
  command = plan

  variables {
    mlflow_allowed_ips = ["203.0.113.7/32", "::/0"]
    ssh_allowed_ips    = ["0.0.0.0/0"]
  }

  expect_failures = [var.mlflow_allowed_ips, var.ssh_allowed_ips]
}

run "open_to_half_of_everybody" {
  command = plan

  variables {
    mlflow_allowed_ips = ["0.0.0.0/1", "128.0.0.0/1"]
    ssh_allowed_ips    = ["2000::/3"]
  }

  expect_failures = [var.mlflow_allowed_ips, var.ssh_allowed_ips]
}

run "addresses_that_are_no_ranges" {
  command = plan

  variables {
    mlflow_allowed_ips = ["203.0.113.7"]
    ssh_allowed_ips    = ["203.0.113.7/24"]
  }

  expect_failures = [var.mlflow_allowed_ips, var.ssh_allowed_ips]
}

run "admins_with_typos" {
  command = plan

  variables {
    iam_admins = ["ada@example.com"]
    members    = { Grace = "user:grace@example.com" }
  }

  expect_failures = [var.iam_admins, var.members]
}

# Of two names in a hundred thousand the digests are the same.
run "one_account_for_two_members" {
  command = plan

  variables {
    members = { m13553 = "user:grace@example.com", m23864 = "user:linus@example.com" }
  }

  expect_failures = [var.members]
}

run "more_typos" {
  command = plan

  variables {
    iam_admins = ["user:ada"]
    members    = { grace = "allUsers" }
  }

  expect_failures = [var.iam_admins, var.members]
}

run "a_project_of_nobody" {
  command = plan

  variables {
    authoritative_admins = true
  }

  expect_failures = [var.authoritative_admins]
}

run "a_domain_as_owner" {
  command = plan

  variables {
    iam_admins = ["domain:example.com", "user:ada@example.com"]
  }

  expect_failures = [var.iam_admins]
}

run "everybody_an_admin" {
  command = plan

  variables {
    iam_admins = ["allAuthenticatedUsers", "user:ada@example.com"]
  }

  expect_failures = [var.iam_admins]
}

run "no_secrets" {
  command = plan

  variables {
    sql_password           = null
    mlflow_admin_password  = null
    mlflow_member_password = null
    mlflow_secret_key      = null
  }

  expect_failures = [var.sql_password, var.mlflow_admin_password, var.mlflow_member_password, var.mlflow_secret_key]
}

run "secrets_that_are_too_short" {
  command = plan

  variables {
    sql_password           = "short"
    mlflow_admin_password  = "with spaces in it"
    mlflow_member_password = ""
    mlflow_secret_key      = "line\nbreaks-in-it"
    secrets_version        = 0
  }

  expect_failures = [var.sql_password, var.mlflow_admin_password, var.mlflow_member_password, var.mlflow_secret_key, var.secrets_version]
}

run "values_of_another_form" {
  command = plan

  variables {
    iam_admin_role               = "owner"
    kubernetes_nodes_ip_range    = "10.16.0.0/28"
    kubernetes_pods_ip_range     = "10.20.0.1/16"
    kubernetes_services_ip_range = "2001:db8::/64"
    mlflow_machine_type          = "zones/europe-west4-a/machineTypes/e2-small"
    mlflow_version               = "latest"
    network                      = "projects/pocket-project/global/networks/default"
    prefix                       = "Vision"
    project                      = "Pocket-Project"
    sql_generation               = 0
    sql_tier                     = "huge"
    sql_user                     = "postgres"
    stack_id                     = "k3x9q"
    zone                         = "us-central1-a"
  }

  expect_failures = [
    var.iam_admin_role, var.kubernetes_nodes_ip_range, var.kubernetes_pods_ip_range, var.kubernetes_services_ip_range,
    var.mlflow_machine_type, var.mlflow_version, var.network, var.prefix, var.project, var.sql_generation, var.sql_tier, var.sql_user, var.stack_id, var.zone,
  ]
}

run "names_that_do_not_fit" {
  command = plan

  variables {
    prefix = "nineteen-characters"
    region = "europe"
  }

  expect_failures = [var.prefix, var.region]
}
