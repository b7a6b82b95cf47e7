variable "address" {
  description = "Public IP address of the server: a static one, so that the URL stays."
  type        = string
  nullable    = false
}

variable "admin_password" {
  description = "Password of MLflow's admin account. Kept in Secret Manager only: neither plan nor state holds it."
  type        = string
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(var.admin_password) >= 12
    error_message = "admin_password needs 12 characters or more: MLflow refuses shorter ones."
  }
}

variable "artifacts_bucket_force_destroy" {
  description = "Whether destroying the bucket also destroys the artifacts in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "boot_disk_size_gb" {
  description = "Size of the boot disk in GB. It can grow in place; Google refuses a smaller size in the middle of an apply."
  type        = number
  default     = 20
  nullable    = false
}

variable "boot_image" {
  description = "Image family to boot from, as PROJECT/FAMILY: a Debian or Ubuntu with Python 3.10 or newer."
  type        = string
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether machine and database refuse to be destroyed."
  type        = bool
  default     = true
  nullable    = false
}

variable "flask_secret_key" {
  description = "Key that signs the forms of MLflow's pages. Kept in Secret Manager only: neither plan nor state holds it."
  type        = string
  ephemeral   = true
  sensitive   = true
  nullable    = false
}

variable "labels" {
  description = "Labels of everything that can have some, beside stationmaster-stack."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "machine_type" {
  description = "Machine type. MLflow with two workers needs about 650 MB of memory. Can change in place: the machine is stopped for it."
  type        = string
  default     = "e2-small"
  nullable    = false
}

variable "member_password" {
  description = "Password of the account that all members share. Kept in Secret Manager only: neither plan nor state holds it."
  type        = string
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(var.member_password) >= 12
    error_message = "member_password needs 12 characters or more: MLflow refuses shorter ones."
  }
}

variable "mlflow_version" {
  description = "Version of MLflow to install from PyPI. Takes effect when the machine next boots."
  type        = string
  default     = "3.17.2"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+(\\.[0-9]+)+$", var.mlflow_version))
    error_message = "mlflow_version is a version such as 3.17.2, and not ${var.mlflow_version}."
  }
}

variable "network" {
  description = "Network of the machine."
  type        = string
  default     = "default"
  nullable    = false
}

variable "prefix" {
  description = "Ends the names of everything in here. Buckets share one namespace with the whole world."
  type        = string
  nullable    = false

  validation {
    # A service account's id has at most 30 characters, and mlflow- takes seven.
    condition     = can(regex("^[a-z]([a-z0-9-]{0,21}[a-z0-9])?$", var.prefix))
    error_message = "prefix is 1 to 23 small letters, digits and dashes, begins with a letter and does not end with a dash."
  }
}

variable "project" {
  description = "Google Cloud project of everything in here."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the bucket."
  type        = string
  nullable    = false
}

variable "secrets_version" {
  description = "Counts up when passwords or key change: nothing else shows that a write-only value is another one."
  type        = number
  default     = 1
  nullable    = false
}

# One variable: whether there is a database is known even while its address is not, as during an import.
variable "sql" {
  description = "Cloud SQL instance (PostgreSQL) for MLflow's database, with the user it works as and the secret that holds the user's password. Null to keep the data in SQLite on the boot disk."
  type = object({
    instance        = string
    password_secret = string
    private_address = string
    user            = string
  })
  default = null

  validation {
    condition     = var.sql == null || can(regex("^[A-Za-z0-9_.-]+$", var.sql.user))
    error_message = "A database user is written with letters, digits, dots, dashes and underscores."
  }
}

variable "stack_id" {
  description = "The portal's short id of this stack: a label, or in the description of what takes no labels."
  type        = string
  nullable    = false
}

variable "zone" {
  description = "Zone of the machine."
  type        = string
  nullable    = false
}
