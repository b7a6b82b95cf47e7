# What there is. The stack is valid with any of these on or off.

variable "create_service_account_keys" {
  description = "Whether to make keys for the two service accounts, and secrets with them. Impersonation needs none."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether database, cluster and MLflow are kept from being deleted. To delete one, apply this as false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_docker_registry" {
  description = "Whether there is a registry for container images."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_kubernetes" {
  description = "Whether there is a Kubernetes cluster, with a network of its own."
  type        = bool
  default     = false
  nullable    = false
}

variable "deploy_mlflow" {
  description = "Whether there is an MLflow server."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_pypi_registry" {
  description = "Whether there is a registry for Python packages."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_service_accounts" {
  description = "Whether there is a service account for workstations. Without, they have no rights in the project."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_sql" {
  description = "Whether there is a database. Without, MLflow keeps its experiments on its machine, and loses them with it."
  type        = bool
  default     = true
  nullable    = false
}

variable "deploy_storage" {
  description = "Whether there are buckets for data and for evaluation results."
  type        = bool
  default     = true
  nullable    = false
}

variable "enable_services" {
  description = "Whether to switch on the project's APIs. Off where somebody else does."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy_buckets" {
  description = "Whether buckets go with everything in them. Without, Google refuses to delete one that is not empty."
  type        = bool
  default     = false
  nullable    = false
}

variable "member_service_accounts" {
  description = "Whether each of members has a service account for workstations. A project may have about 100."
  type        = bool
  default     = false
  nullable    = false
}
