# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  project  = "pocket-project"
  region   = "europe-west4"
  network  = "projects/pocket-project/global/networks/default"
  prefix   = "vision"
  stack_id = "k3x9q2"
  labels   = { stationmaster-stack = "k3x9q2" }
  user     = "mlflow"
  password = "sql-Sesame-1"
}

run "instance" {
  command = plan

  assert {
    condition = (
      google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false &&
      google_sql_database_instance.this.settings[0].ip_configuration[0].private_network == var.network &&
      google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    )
    error_message = "The database has no public address and takes no connection in the clear."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].edition == "ENTERPRISE"
    error_message = "The smallest sizes are in this edition only."
  }

  assert {
    condition     = google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].deletion_protection_enabled
    error_message = "The database is kept from being deleted, by Terraform and by others."
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].enabled
    error_message = "There are backups."
  }

  assert {
    condition = (
      google_compute_global_address.private_range.purpose == "VPC_PEERING" && google_compute_global_address.private_range.prefix_length == 20 &&
      google_service_networking_connection.this.reserved_peering_ranges == tolist(["sql-range-vision"])
    )
    error_message = "Its private address comes from a range set aside for it."
  }

  assert {
    condition     = google_service_networking_connection.this.deletion_policy == "ABANDON" && google_service_networking_connection.this.update_on_creation_fail
    error_message = "Google deletes no connection that a database has just used: it stays, and the next database takes it over."
  }

  assert {
    condition     = output.instance_name == "postgres-vision"
    error_message = "The first database is called by the prefix alone."
  }
}

run "another_one" {
  command = plan

  variables {
    generation = 2
  }

  assert {
    condition     = output.instance_name == "postgres-2-vision"
    error_message = "Google refuses the name of a database that was deleted, so the next one has another."
  }
}

run "password" {
  command = plan

  assert {
    condition     = google_sql_user.this.password == null && google_secret_manager_secret_version.password.secret_data == null
    error_message = "The password is written, and read back by nobody."
  }

  assert {
    condition     = google_sql_user.this.password_wo_version == 1 && google_sql_user.this.deletion_policy == "ABANDON"
    error_message = "A user who owns tables cannot be deleted, and goes with the instance."
  }
}
