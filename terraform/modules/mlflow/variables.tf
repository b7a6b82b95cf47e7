variable "address" {
  description = "Static address of the machine."
  type        = string
  nullable    = false
}

variable "admin_password" {
  description = "Password of MLflow's admin."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "artifacts_bucket_force_destroy" {
  description = "Whether the bucket goes with its artifacts."
  type        = bool
  default     = false
  nullable    = false
}

variable "boot_disk_size_gb" {
  description = "Size of the boot disk in GB."
  type        = number
  default     = 20
  nullable    = false
}

variable "boot_image" {
  description = "Image family, as PROJECT/FAMILY."
  type        = string
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the machine is kept from being deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "flask_secret_key" {
  description = "Key that signs the server's sessions."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "labels" {
  description = "Labels of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "machine_type" {
  description = "Machine type."
  type        = string
  default     = "e2-small"
  nullable    = false
}

variable "member_password" {
  description = "Password of the members' user."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "mlflow_version" {
  description = "Version of MLflow."
  type        = string
  default     = "3.17.2"
  nullable    = false
}

variable "network" {
  description = "Network of the machine."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "Last part of every name."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the bucket."
  type        = string
  nullable    = false
}

variable "secrets_version" {
  description = "Another number writes the secrets anew."
  type        = number
  default     = 1
  nullable    = false
}

variable "sql_instance" {
  description = "Cloud SQL instance."
  type        = string
  default     = null
}

variable "sql_password_secret" {
  description = "Id of the secret with the SQL user's password."
  type        = string
  default     = null
}

variable "sql_private_address" {
  description = "Address of the SQL instance."
  type        = string
  default     = null
}

variable "sql_user" {
  description = "SQL user."
  type        = string
  default     = null
}

variable "stack_id" {
  description = "The portal's short id of the stack."
  type        = string
  nullable    = false
}

variable "zone" {
  description = "Zone of the machine."
  type        = string
  nullable    = false
}
