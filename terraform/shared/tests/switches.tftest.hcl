# Each part with and without the others. Plans of a mocked provider: no cloud is asked.

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

run "as_it_comes" {
  command = plan

  assert {
    condition     = length(module.storage) == 1 && length(module.sql) == 1 && length(module.mlflow) == 1 && length(module.services) == 1
    error_message = "Buckets, database and MLflow are there unless they are switched off."
  }

  assert {
    condition     = length(module.docker_registry) == 1 && length(module.pypi_registry) == 1
    error_message = "So are both registries."
  }

  assert {
    condition     = length(module.kubernetes) == 0 && length(module.peering) == 0 && output.kubernetes_cluster_name == null
    error_message = "A cluster costs, so there is one only for who asks."
  }

  assert {
    condition     = length(google_service_account_key.artifact_writer) == 0 && length(google_service_account_key.data_storage_admin) == 0
    error_message = "There are no keys unless they are asked for."
  }

  assert {
    condition     = length(google_service_account.workstation) == 1 && length(google_service_account.member) == 0
    error_message = "All workstations have one account."
  }
}

run "nothing" {
  command = plan

  variables {
    enable_services         = false
    deploy_docker_registry  = false
    deploy_mlflow           = false
    deploy_pypi_registry    = false
    deploy_service_accounts = false
    deploy_sql              = false
    deploy_storage          = false
    sql_password            = null
    mlflow_admin_password   = null
    mlflow_member_password  = null
    mlflow_secret_key       = null
  }

  assert {
    condition = alltrue([
      for value in [
        output.artifact_writer_service_account, output.data_bucket_name, output.data_bucket_service_account,
        output.docker_registry_url, output.kubernetes_location, output.mlflow_address, output.mlflow_url,
        output.mlflow_zone, output.pods_ip_range, output.pypi_registry_url, output.sql_database, output.sql_instance_name,
        output.sql_user, output.workstation_service_account_email,
      ] : value == null
    ])
    error_message = "What is not there is null."
  }

  assert {
    condition     = output.mlflow_firewall_names == [] && output.ssh_firewall_name == "allow-ssh-vision"
    error_message = "Without MLflow nothing is opened for it; workstations are reached all the same."
  }
}

run "no_database" {
  command = plan

  variables {
    deploy_sql   = false
    sql_password = null
  }

  assert {
    condition     = length(module.mlflow) == 1 && output.sql_database == null && output.sql_password_secret == null
    error_message = "MLflow does without a database."
  }
}

run "no_mlflow" {
  command = plan

  variables {
    deploy_kubernetes      = true
    deploy_mlflow          = false
    mlflow_allowed_ips     = ["203.0.113.7/32", "2001:db8::/48"]
    mlflow_admin_password  = null
    mlflow_member_password = null
    mlflow_secret_key      = null
  }

  assert {
    condition     = output.mlflow_firewall_names == [] && length(google_compute_address.static_ip) == 0 && output.sql_instance_name == "postgres-vision"
    error_message = "Nothing is opened for an MLflow that is not there, and the database stays."
  }
}

run "buckets_are_not_needed_by_mlflow" {
  command = plan

  variables {
    deploy_storage = false
  }

  assert {
    condition     = length(module.mlflow) == 1 && length(google_storage_bucket_iam_member.compute_data_bucket_user) == 0
    error_message = "MLflow has a bucket of its own."
  }

  assert {
    condition     = keys(google_secret_manager_secret_iam_member.mlflow_member_password) == ["workstation"]
    error_message = "Workstations log to it, with a password that they may read."
  }
}

run "no_registries" {
  command = plan

  variables {
    deploy_docker_registry = false
    deploy_pypi_registry   = false
  }

  assert {
    condition     = output.artifact_writer_service_account == null && length(google_service_account_iam_member.artifact_writer) == 0
    error_message = "Without a registry nobody writes to one."
  }
}

run "one_registry" {
  command = plan

  variables {
    deploy_docker_registry = false
  }

  assert {
    condition     = output.docker_registry_name == null && output.pypi_registry_name == "pypi-registry-vision"
    error_message = "One registry does without the other."
  }
}

run "no_accounts_for_workstations" {
  command = plan

  variables {
    deploy_service_accounts = false
  }

  assert {
    condition     = output.workstation_service_account_email == null && length(google_secret_manager_secret_iam_member.mlflow_member_password) == 0
    error_message = "Nobody has rights through an account that is not there."
  }
}

run "kubernetes" {
  command = plan

  variables {
    deploy_kubernetes = true
  }

  assert {
    condition     = output.pods_ip_range == "10.20.0.0/16" && google_compute_firewall.ingress["mlflow-access"].source_ranges == toset(["10.20.0.0/16"])
    error_message = "Pods reach MLflow."
  }

  assert {
    condition     = length(module.peering) == 1 && output.kubernetes_network_name == "kubernetes-vision"
    error_message = "They come through a peering of the two networks."
  }
}

run "kubernetes_alone" {
  command = plan

  variables {
    deploy_kubernetes       = true
    enable_services         = false
    deploy_docker_registry  = false
    deploy_mlflow           = false
    deploy_pypi_registry    = false
    deploy_service_accounts = false
    deploy_sql              = false
    deploy_storage          = false
  }

  assert {
    condition     = output.kubernetes_cluster_name == "kubernetes-vision" && keys(google_compute_firewall.ingress) == ["allow-ssh"]
    error_message = "A cluster needs nothing else."
  }
}

run "keys" {
  command = plan

  variables {
    create_service_account_keys = true
    deploy_storage              = false
  }

  assert {
    condition     = keys(google_secret_manager_secret.credentials) == ["GCP_ARTIFACT_WRITER_SA_JSON_KEY_B64"]
    error_message = "There are keys of the accounts that are there."
  }
}

run "accounts_for_members" {
  command = plan

  variables {
    member_service_accounts = true
    members                 = { grace = "user:grace@example.com", a_member_with_a_name_of_32_chars = "user:linus@example.com" }
    prefix                  = "eighteen-long-name"
  }

  assert {
    condition = alltrue([
      for account in google_service_account.member : length(account.account_id) == 30 && startswith(account.account_id, "ws-")
    ])
    error_message = "An account's id has at most 30 characters, whatever the member is called."
  }

  assert {
    condition     = keys(output.member_service_account_emails) == ["a_member_with_a_name_of_32_chars", "grace"]
    error_message = "The portal finds each member's account by the member's name."
  }
}
