# The server, attribute by attribute. Plans and applies of a mocked provider: no cloud is asked.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { email = "mlflow-pocket@pocket-project.iam.gserviceaccount.com" }
  }
}

variables {
  project  = "pocket-project"
  region   = "europe-west4"
  zone     = "europe-west4-a"
  prefix   = "pocket"
  stack_id = "k3x9q2"
  address  = "203.0.113.7"
  sql = {
    instance        = "stationmaster-pocket"
    private_address = "10.20.0.3"
    user            = "stationmaster"
    password_secret = "projects/pocket-project/secrets/POSTGRESQL-PASSWORD"
  }
  admin_password   = "only-for-the-admin"
  member_password  = "for-all-the-members"
  flask_secret_key = "signs-forms"
}

run "with_cloud_sql" {
  # Applied: the metadata names things that are known then.
  command = apply

  assert {
    condition = (
      google_compute_instance.server.name == "mlflow-pocket" &&
      google_compute_instance.server.tags == toset(["mlflow-server"]) &&
      google_compute_instance.server.network_interface[0].access_config[0].nat_ip == "203.0.113.7"
    )
    error_message = "The firewall goes by the tag, and the URL by the static address."
  }

  assert {
    condition = alltrue([
      for labels in concat(
        [google_compute_instance.server.labels, google_storage_bucket.artifacts.labels],
        [for secret in google_secret_manager_secret.server : secret.labels],
      ) : labels == tomap({ stationmaster-stack = "k3x9q2" })
    ])
    error_message = "Everything that takes labels says whose it is."
  }

  assert {
    condition     = google_service_account.server.description == "stationmaster-stack=k3x9q2"
    error_message = "A service account takes no labels."
  }

  assert {
    condition = (
      google_storage_bucket.artifacts.name == "mlflow-artifacts-pocket" &&
      google_storage_bucket.artifacts.uniform_bucket_level_access &&
      google_storage_bucket.artifacts.public_access_prevention == "enforced" &&
      !google_storage_bucket.artifacts.force_destroy
    )
    error_message = "The bucket is nobody else's, and is not destroyed with artifacts in it."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.server.bucket == "mlflow-artifacts-pocket" &&
      google_storage_bucket_iam_member.server.role == "roles/storage.objectAdmin" &&
      google_storage_bucket_iam_member.server.member == "serviceAccount:mlflow-pocket@pocket-project.iam.gserviceaccount.com"
    )
    error_message = "The server may use the objects of its own bucket."
  }

  assert {
    condition = toset(concat(
      [for grant in google_secret_manager_secret_iam_member.server : "${grant.role} ${grant.secret_id}"],
      [for grant in google_secret_manager_secret_iam_member.sql_password : "${grant.role} ${grant.secret_id}"],
      )) == toset([
      "roles/secretmanager.secretAccessor MLFLOW-POCKET-ADMIN-PASSWORD",
      "roles/secretmanager.secretAccessor MLFLOW-POCKET-FLASK-SECRET-KEY",
      "roles/secretmanager.secretAccessor MLFLOW-POCKET-MEMBER-PASSWORD",
      "roles/secretmanager.secretAccessor projects/pocket-project/secrets/POSTGRESQL-PASSWORD",
    ])
    error_message = "The server may read its own secrets, and no other."
  }

  assert {
    condition = toset(split("\n", trimspace(google_compute_instance.server.metadata["mlflow-secrets"]))) == toset([
      "MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW-POCKET-ADMIN-PASSWORD",
      "MLFLOW_FLASK_SERVER_SECRET_KEY MLFLOW-POCKET-FLASK-SECRET-KEY",
      "MLFLOW_MEMBER_PASSWORD MLFLOW-POCKET-MEMBER-PASSWORD",
      "PGPASSWORD POSTGRESQL-PASSWORD",
    ])
    error_message = "The machine is told where the secrets are, not what they are."
  }

  assert {
    condition = !anytrue([
      for secret in ["only-for-the-admin", "for-all-the-members", "signs-forms"] :
      strcontains(jsonencode(google_compute_instance.server.metadata), secret)
    ])
    error_message = "No secret in the metadata."
  }

  assert {
    condition = toset(split("\n", trimspace(google_compute_instance.server.metadata["mlflow-settings"]))) == toset([
      "MLFLOW_ARTIFACTS_DESTINATION=gs://mlflow-artifacts-pocket",
      "MLFLOW_AUTH_ADMIN_USERNAME=admin",
      "MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://stationmaster@10.20.0.3:5432/mlflow?sslmode=require",
      "MLFLOW_MEMBER_USERNAME=member",
    ])
    error_message = "The settings say where the data goes."
  }

  assert {
    condition = (
      google_sql_database.mlflow[0].instance == "stationmaster-pocket" &&
      google_sql_database.mlflow[0].deletion_policy == "PREVENT" &&
      google_compute_instance.server.deletion_protection
    )
    error_message = "The data is protected unless somebody says otherwise."
  }

  assert {
    condition = (
      google_secret_manager_secret_version.admin_password.secret_data_wo_version == "1" &&
      google_secret_manager_secret_version.admin_password.secret_data == null
    )
    error_message = "Passwords are written, and never kept in the state."
  }

  assert {
    condition = (
      output.url == "http://203.0.113.7:5000" &&
      output.database_name == "mlflow" &&
      output.network_tag == "mlflow-server" &&
      output.member_username == "member" &&
      output.member_password_secret == "MLFLOW-POCKET-MEMBER-PASSWORD" &&
      output.admin_password_secret == "MLFLOW-POCKET-ADMIN-PASSWORD"
    )
    error_message = "The outputs are what a member needs."
  }
}

run "without_cloud_sql" {
  command = apply

  variables {
    sql                 = null
    deletion_protection = false
  }

  assert {
    condition     = length(google_sql_database.mlflow) == 0 && output.database_name == null
    error_message = "No instance, no database."
  }

  assert {
    condition     = strcontains(google_compute_instance.server.metadata["mlflow-settings"], "MLFLOW_BACKEND_STORE_URI=sqlite:////var/lib/mlflow/mlflow.db\n")
    error_message = "The data is on the boot disk."
  }

  assert {
    condition     = !strcontains(google_compute_instance.server.metadata["mlflow-secrets"], "PGPASSWORD")
    error_message = "No password of a database that there is not."
  }
}

run "changed_passwords" {
  command = plan

  variables {
    secrets_version = 2
  }

  assert {
    condition     = google_secret_manager_secret_version.member_password.secret_data_wo_version == "2"
    error_message = "The version tells that the password is another one."
  }
}

run "user_that_needs_quoting" {
  command = plan

  variables {
    sql = {
      instance        = "stationmaster-pocket"
      private_address = "10.20.0.3"
      user            = "station@master"
      password_secret = "POSTGRESQL-PASSWORD"
    }
  }

  expect_failures = [var.sql]
}

run "short_password" {
  command = plan

  variables {
    member_password = "short"
  }

  expect_failures = [var.member_password]
}

run "prefix_too_long_for_a_service_account" {
  command = plan

  variables {
    prefix = "a-prefix-of-twenty-five-c"
  }

  expect_failures = [var.prefix]
}
