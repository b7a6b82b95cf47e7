variable "portal_url" {
  description = "URL of the portal that the machine's agent posts to, or null for none. Needs a service account."
  type        = string
  default     = null

  # It is sent a token of the machine. Within the startup script it stands between quotes.
  validation {
    condition     = var.portal_url == null || can(regex("^(https://|http://(localhost|127\\.0\\.0\\.1)(:|$))[A-Za-z0-9.:/_-]*$", var.portal_url))
    error_message = "The portal's URL begins with https://."
  }
}

variable "run_limit_hours" {
  description = "Hours for which a new machine may run before Google stops it, 0 for no limit. An existing one keeps its limit."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.run_limit_hours >= 0 && var.run_limit_hours <= 2880 && floor(var.run_limit_hours) == var.run_limit_hours
    error_message = "The limit is a whole number of hours from 0 to 2880 (120 days)."
  }
}
