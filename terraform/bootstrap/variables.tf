variable "create_workstation_account" {
  description = "Whether to make a service account, without any rights, that workstations act as."
  type        = bool
  default     = true
  nullable    = false
}

variable "name" {
  description = "First part of the names of the service accounts and secrets, such as stationmaster."
  type        = string
  default     = "stationmaster"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.name))
    error_message = "The name has 3 to 18 lower-case letters, digits and hyphens, and starts with a letter: service accounts add up to 12 characters to it."
  }
}

variable "project" {
  description = "Id of the Google Cloud project of the workstations."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "secret_prefix" {
  description = "The portal's STATIONMASTER_SECRET_PREFIX: SSH-key secrets are called COMPUTE-PREFIX-…, and web may read no other."
  type        = string
  default     = "STATIONMASTER"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,60}$", var.secret_prefix))
    error_message = "The prefix has 1 to 60 letters, digits, hyphens and underscores."
  }
}

variable "shared_parts" {
  description = "Parts of the shared infrastructure that the worker may make: access, storage, registries, keys, sql, mlflow, kubernetes. Access comes with every other one."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.shared_parts, keys(local.parts))) == 0
    error_message = "The parts are access, storage, registries, keys, sql, mlflow and kubernetes."
  }
}

variable "web_members" {
  description = "Who may run web as its service account without a key: user:, group:, serviceAccount:, or principal:// and principalSet:// of a workload identity pool."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.web_members : can(regex("^((user|group|serviceAccount):[^@\\s]+@[^@\\s]+|principal(Set)?://\\S+)$", member))])
    error_message = "Members are written as user:ada@example.com, group:…, serviceAccount:…, principal://… or principalSet://…."
  }
}

variable "worker_members" {
  description = "The same for the worker."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.worker_members : can(regex("^((user|group|serviceAccount):[^@\\s]+@[^@\\s]+|principal(Set)?://\\S+)$", member))])
    error_message = "Members are written as user:ada@example.com, group:…, serviceAccount:…, principal://… or principalSet://…."
  }
}
