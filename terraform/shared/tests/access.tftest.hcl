# Who is let in. Plans of a mocked provider: no cloud is asked.

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

run "nobody_is_on_a_list" {
  command = plan

  assert {
    condition     = google_compute_firewall.ingress["allow-ssh"].source_ranges == toset(["35.235.240.0/20"])
    error_message = "SSH comes through Google's proxy, and from nowhere else."
  }

  assert {
    condition     = keys(google_compute_firewall.ingress) == ["allow-ssh"] && output.mlflow_firewall_names == []
    error_message = "A rule without ranges would be open to the world, so there is none."
  }

  assert {
    condition     = length(google_project_iam_member.admin) == 0 && length(google_project_iam_binding.this) == 0
    error_message = "IAM of the project is left alone."
  }
}

run "both_families" {
  command = plan

  variables {
    mlflow_allowed_ips = ["203.0.113.7/32", "2001:db8::/48"]
    ssh_allowed_ips    = ["198.51.100.0/24", "2001:db8:1::/48"]
  }

  assert {
    condition = (
      google_compute_firewall.ingress["mlflow-access"].source_ranges == toset(["203.0.113.7/32"]) &&
      google_compute_firewall.ingress["mlflow-access-v6"].source_ranges == toset(["2001:db8::/48"])
    )
    error_message = "A rule holds one family of addresses."
  }

  assert {
    condition = (
      google_compute_firewall.ingress["allow-ssh"].source_ranges == toset(["35.235.240.0/20", "198.51.100.0/24"]) &&
      google_compute_firewall.ingress["allow-ssh-v6"].source_ranges == toset(["2001:db8:1::/48"])
    )
    error_message = "Google's proxy stays on the list."
  }

  assert {
    condition = (
      google_compute_firewall.ingress["allow-ssh"].target_tags == toset(["stationmaster-workstation"]) &&
      google_compute_firewall.ingress["mlflow-access"].target_tags == toset(["mlflow-server"]) &&
      one(google_compute_firewall.ingress["mlflow-access"].allow).ports == tolist(["5000"])
    )
    error_message = "Each rule is for its own machines and port."
  }

  assert {
    condition     = output.mlflow_firewall_names == ["mlflow-access-vision", "mlflow-access-v6-vision"]
    error_message = "The portal knows the rules' names."
  }

  assert {
    condition     = strcontains(google_compute_firewall.ingress["allow-ssh"].description, "stationmaster-stack=k3x9q2")
    error_message = "A rule has no labels: its description says whose it is."
  }
}

run "admins" {
  command = plan

  variables {
    iam_admins = ["user:ada@example.com", "group:leads@example.com"]
  }

  assert {
    condition     = keys(google_project_iam_member.admin) == ["group:leads@example.com", "user:ada@example.com"] && length(google_project_iam_binding.this) == 0
    error_message = "Each admin is one grant, and nobody else loses theirs."
  }

  assert {
    condition     = keys(google_service_account_iam_member.data_storage_admin) == ["group:leads@example.com", "user:ada@example.com"]
    error_message = "They may act as the accounts, without a key."
  }
}

run "a_domain_of_editors" {
  command = plan

  variables {
    iam_admins     = ["domain:example.com"]
    iam_admin_role = "roles/editor"
  }

  assert {
    condition     = keys(google_project_iam_member.admin) == ["domain:example.com"]
    error_message = "A domain may have any role but owner."
  }
}

run "the_only_admins" {
  command = plan

  variables {
    iam_admins           = ["user:ada@example.com"]
    iam_admin_role       = "roles/editor"
    authoritative_admins = true
  }

  assert {
    condition = (
      google_project_iam_binding.this[0].members == toset(["user:ada@example.com"]) &&
      google_project_iam_binding.this[0].role == "roles/editor" &&
      keys(google_project_iam_member.admin) == ["user:ada@example.com"]
    )
    error_message = "The binding comes on top of the grants: switching it on takes nothing away first."
  }
}

run "members" {
  command = plan

  variables {
    members = { grace = "user:grace@example.com" }
  }

  assert {
    condition     = google_project_iam_member.iap_tunnel["grace"].role == "roles/iap.tunnelResourceAccessor"
    error_message = "Members come through Google's proxy."
  }

  assert {
    condition     = keys(google_service_account_iam_member.artifact_writer) == ["user:grace@example.com"] && length(google_service_account.member) == 0
    error_message = "Members may act as the accounts, and have none of their own unless asked for."
  }
}
