variable "force_destroy" {
  description = "Whether a bucket goes with everything in it. Without, Google refuses to delete one that is not empty."
  type        = bool
  default     = false
  nullable    = false
}

variable "keep_days" {
  description = "Days that access logs, and older versions of data, are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.keep_days >= 1 && floor(var.keep_days) == var.keep_days
    error_message = "Logs and older versions are kept for a whole number of days, at least 1."
  }
}

variable "labels" {
  description = "Labels of the buckets."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "prefix" {
  description = "Last part of every bucket's name. Names of buckets are shared with all of Google Cloud."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project of the buckets."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region that holds the data. Another one replaces the buckets."
  type        = string
  nullable    = false
}
