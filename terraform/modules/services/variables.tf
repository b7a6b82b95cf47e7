variable "project" {
  description = "Google Cloud project whose APIs are switched on."
  type        = string
  nullable    = false
}

variable "services" {
  description = "APIs to switch on. The default is what the shared stack and the workstations need."
  type        = set(string)
  nullable    = false
  default = [
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
  ]

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z0-9-]+\\.googleapis\\.com$", service))])
    error_message = "An API is written as in compute.googleapis.com."
  }
}
