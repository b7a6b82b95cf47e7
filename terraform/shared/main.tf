# What the whole team shares. Each part has a switch, and a part that needs another goes with it.

locals {
  # How the portal knows its own. Types without labels say it in their description.
  labels      = { stationmaster-stack = var.stack_id }
  description = "stationmaster-stack=${var.stack_id}"

  # Written out and not looked up: a lookup waits for what it depends on, and while it does, everything in the network
  # would have to be planned as replaced.
  network = "projects/${var.project}/global/networks/${var.network}"

  deploy_registries = var.deploy_docker_registry || var.deploy_pypi_registry
}

module "services" {
  source = "../modules/services"
  count  = var.enable_services ? 1 : 0

  project = var.project
}

module "storage" {
  source = "../modules/cloud_storage"
  count  = var.deploy_storage ? 1 : 0

  project       = var.project
  region        = var.region
  prefix        = var.prefix
  labels        = local.labels
  force_destroy = var.force_destroy_buckets

  depends_on = [module.services]
}

module "sql" {
  source = "../modules/sql"
  count  = var.deploy_sql ? 1 : 0

  project             = var.project
  region              = var.region
  network             = local.network
  prefix              = var.prefix
  generation          = var.sql_generation
  stack_id            = var.stack_id
  labels              = local.labels
  tier                = var.sql_tier
  user                = var.sql_user
  password            = var.sql_password
  password_version    = var.secrets_version
  deletion_protection = var.deletion_protection

  depends_on = [module.services]
}

module "mlflow" {
  source = "../modules/mlflow"
  count  = var.deploy_mlflow ? 1 : 0

  project        = var.project
  region         = var.region
  zone           = var.zone
  prefix         = var.prefix
  stack_id       = var.stack_id
  labels         = local.labels
  network        = local.network
  address        = google_compute_address.static_ip[0].address
  machine_type   = var.mlflow_machine_type
  mlflow_version = var.mlflow_version
  sql = var.deploy_sql ? {
    instance        = module.sql[0].instance_name
    private_address = module.sql[0].private_address
    user            = module.sql[0].user
    password_secret = module.sql[0].password_secret
  } : null
  artifacts_bucket_force_destroy = var.force_destroy_buckets
  deletion_protection            = var.deletion_protection
  admin_password                 = var.mlflow_admin_password
  member_password                = var.mlflow_member_password
  flask_secret_key               = var.mlflow_secret_key
  secrets_version                = var.secrets_version
}

module "docker_registry" {
  source = "../modules/artifact_registry"
  count  = var.deploy_docker_registry ? 1 : 0

  project = var.project
  region  = var.region
  prefix  = var.prefix
  format  = "DOCKER"
  labels  = local.labels
  readers = local.artifact_readers
  writers = local.artifact_writers

  depends_on = [module.services]
}

module "pypi_registry" {
  source = "../modules/artifact_registry"
  count  = var.deploy_pypi_registry ? 1 : 0

  project = var.project
  region  = var.region
  prefix  = var.prefix
  format  = "PYTHON"
  labels  = local.labels
  readers = local.artifact_readers
  writers = local.artifact_writers

  depends_on = [module.services]
}

module "kubernetes" {
  source = "../modules/kubernetes"
  count  = var.deploy_kubernetes ? 1 : 0

  project             = var.project
  region              = var.region
  prefix              = var.prefix
  stack_id            = var.stack_id
  labels              = local.labels
  nodes_ip_range      = var.kubernetes_nodes_ip_range
  pods_ip_range       = var.kubernetes_pods_ip_range
  services_ip_range   = var.kubernetes_services_ip_range
  deletion_protection = var.deletion_protection

  depends_on = [module.services]
}

# So that pods reach MLflow at its private address.
module "peering" {
  source = "../modules/peering"
  count  = var.deploy_kubernetes ? 1 : 0

  name         = "kubernetes-${var.prefix}"
  network      = local.network
  peer_network = module.kubernetes[0].network_id

  # Cloud SQL is one more peering of the network, and Google works on one at a time.
  depends_on = [module.sql]
}
