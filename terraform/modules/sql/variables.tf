variable "database_version" {
  description = "PostgreSQL's version, as Google writes it. It can be raised in place."
  type        = string
  default     = "POSTGRES_18"
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the instance is kept from being deleted. To delete it, apply this as false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "generation" {
  description = "Number of the instance among those that had this prefix: part of its name from the second on. Google refuses the name of an instance that was deleted within the last week. Another one replaces the instance, with its data."
  type        = number
  default     = 1
  nullable    = false
}

variable "labels" {
  description = "Labels of the instance, of its address range and of the secret."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "network" {
  description = "Network from which the instance is reached, as projects/PROJECT/global/networks/NAME."
  type        = string
  nullable    = false
}

variable "password" {
  description = "Password of the user. Kept in Secret Manager and in no state."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "password_version" {
  description = "Number of the password: another one writes the password anew."
  type        = number
  default     = 1
  nullable    = false
}

variable "prefix" {
  description = "Last part of every name."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project of the instance."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the instance. Another one replaces it, with its data."
  type        = string
  nullable    = false
}

variable "stack_id" {
  description = "The portal's short id of the stack, for the descriptions."
  type        = string
  nullable    = false
}

variable "tier" {
  description = "Size of the instance: db-f1-micro, db-g1-small, or db-custom-CPUS-MB. It is restarted for a change."
  type        = string
  default     = "db-f1-micro"
  nullable    = false
}

variable "user" {
  description = "Name of the user."
  type        = string
  nullable    = false
}
