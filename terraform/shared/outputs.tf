output "artifact_writer_service_account" {
  description = "Service account that may write to the registries. Null where there is no registry."
  value       = one(google_service_account.artifact_writer[*].email)
}

output "data_bucket_name" {
  description = "Bucket for data, or null."
  value       = one(module.storage[*].data_bucket_name)
}

output "data_bucket_service_account" {
  description = "Service account that reads and writes the data bucket, or null."
  value       = one(google_service_account.data_storage_admin[*].email)
}

output "data_logs_bucket_name" {
  description = "Bucket with the access logs of the data bucket, or null."
  value       = one(module.storage[*].data_logs_bucket_name)
}

output "docker_registry_name" {
  description = "Name of the registry for images, or null."
  value       = one(module.docker_registry[*].name)
}

output "docker_registry_url" {
  description = "What an image's name starts with, or null."
  value       = one(module.docker_registry[*].url)
}

output "evaluation_bucket_name" {
  description = "Bucket for the results of evaluations, or null."
  value       = one(module.storage[*].evaluation_bucket_name)
}

output "iam_admins" {
  description = "Who has the admins' role in the project."
  value       = var.iam_admins
}

output "kubernetes_cluster_name" {
  description = "Name of the cluster, or null."
  value       = one(module.kubernetes[*].cluster_name)
}

output "kubernetes_location" {
  description = "Region of the cluster, or null."
  value       = one(module.kubernetes[*].location)
}

output "kubernetes_network_name" {
  description = "Network of the cluster, or null."
  value       = one(module.kubernetes[*].network_name)
}

output "kubernetes_service_account" {
  description = "Service account that pods act as by workload identity, or null."
  value       = one(module.kubernetes[*].service_account_email)
}

output "member_service_account_emails" {
  description = "Service account of each member's workstations, by the member's name."
  value       = { for username, account in google_service_account.member : username => account.email }
}

output "mlflow_address" {
  description = "Public address of MLflow, or null."
  value       = one(google_compute_address.static_ip[*].address)
}

output "mlflow_admin_password_secret" {
  description = "Secret with the password of MLflow's admin, or null."
  value       = one(module.mlflow[*].admin_password_secret)
}

output "mlflow_admin_username" {
  description = "User name of MLflow's admin, or null."
  value       = one(module.mlflow[*].admin_username)
}

output "mlflow_bucket_name" {
  description = "Bucket of MLflow's artifacts, or null."
  value       = one(module.mlflow[*].bucket_name)
}

output "mlflow_firewall_names" {
  description = "Firewall rules that let in to MLflow."
  value       = [for name in keys(local.firewalls) : "${name}-${var.prefix}" if startswith(name, "mlflow-access")]
}

output "mlflow_instance_name" {
  description = "Machine of MLflow, or null."
  value       = one(module.mlflow[*].instance_name)
}

output "mlflow_member_password_secret" {
  description = "Secret with the members' password, or null."
  value       = one(module.mlflow[*].member_password_secret)
}

output "mlflow_member_username" {
  description = "User name that members log experiments with, or null."
  value       = one(module.mlflow[*].member_username)
}

output "mlflow_url" {
  description = "Where MLflow answers, or null."
  value       = one(module.mlflow[*].url)
}

output "mlflow_zone" {
  description = "Zone of MLflow's machine, or null."
  value       = var.deploy_mlflow ? var.zone : null
}

output "pods_ip_range" {
  description = "Addresses of the pods, or null."
  value       = one(module.kubernetes[*].pods_ip_range)
}

output "project" {
  description = "Project that everything is in."
  value       = var.project
}

output "pypi_registry_name" {
  description = "Name of the registry for Python packages, or null."
  value       = one(module.pypi_registry[*].name)
}

output "pypi_registry_url" {
  description = "Where packages are uploaded, or null. pip's index is this and /simple/."
  value       = one(module.pypi_registry[*].url)
}

output "region" {
  description = "Region that everything is in."
  value       = var.region
}

output "sql_connection_name" {
  description = "PROJECT:REGION:INSTANCE, or null."
  value       = one(module.sql[*].connection_name)
}

output "sql_database" {
  description = "Database of MLflow, or null."
  value       = one(module.mlflow[*].database_name)
}

output "sql_instance_name" {
  description = "Name of the SQL instance, or null."
  value       = one(module.sql[*].instance_name)
}

output "sql_password_secret" {
  description = "Secret with the password of the SQL user, or null."
  value       = one(module.sql[*].password_secret)
}

output "sql_private_address" {
  description = "Address of the SQL instance inside the network, or null."
  value       = one(module.sql[*].private_address)
}

output "sql_user" {
  description = "Name of the SQL user, or null."
  value       = one(module.sql[*].user)
}

output "ssh_firewall_name" {
  description = "Firewall rule that lets in to workstations."
  value       = "allow-ssh-${var.prefix}"
}

output "workstation_service_account_email" {
  description = "Service account of workstations, or null."
  value       = one(google_service_account.workstation[*].email)
}
