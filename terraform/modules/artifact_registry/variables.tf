variable "format" {
  description = "What it holds: DOCKER for container images, PYTHON for packages. Another one replaces it, with all that is in it."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["DOCKER", "PYTHON"], var.format)
    error_message = "A registry is for DOCKER or for PYTHON."
  }
}

variable "labels" {
  description = "Labels of the registry."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "prefix" {
  description = "Last part of the registry's name."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project of the registry."
  type        = string
  nullable    = false
}

variable "readers" {
  description = "Who may read: a name of one's choice for each, and the principal, such as serviceAccount:ci@…."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "region" {
  description = "Region of the registry. Another one replaces it, with all that is in it."
  type        = string
  nullable    = false
}

variable "writers" {
  description = "Who may read and write, in the form of readers."
  type        = map(string)
  default     = {}
  nullable    = false
}
