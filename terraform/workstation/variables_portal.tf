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
