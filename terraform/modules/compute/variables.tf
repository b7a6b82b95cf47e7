variable "accelerator" {
  description = "GPUs to add to an n1 machine. Null for every other machine type: those have theirs built in, or none."
  type = object({
    type  = string
    count = number
  })
  default = null

  validation {
    condition     = var.accelerator == null || startswith(var.machine_type, "n1-")
    error_message = "A GPU can be added to n1 machines only. A ${var.machine_type} has its GPU built in or takes none: leave accelerator out."
  }
}

variable "address" {
  description = "Public IP address of the machine."
  type        = string
  nullable    = false
}

variable "boot_disk_size_gb" {
  description = "Size of the boot disk in GB. It can grow in place; Google refuses a smaller size."
  type        = number
  default     = 50
  nullable    = false
}

variable "boot_image" {
  description = "Image family to boot from, as PROJECT/FAMILY. Unused where boot_snapshot is given."
  type        = string
  nullable    = false
}

variable "boot_snapshot" {
  description = "Snapshot to boot from in place of an image, or null."
  type        = string
  default     = null
}

variable "data_disk" {
  description = "Self link of the data disk to attach."
  type        = string
  nullable    = false
}

variable "gpu" {
  description = "Whether the machine has a GPU. Known by itself for added accelerators and for the a and g series."
  type        = bool
  default     = false
  nullable    = false
}

variable "home_on_data_disk" {
  description = "Whether the owner's home folder is kept on the data disk, from the next boot on."
  type        = bool
  default     = false
  nullable    = false
}

variable "labels" {
  description = "Labels of the machine."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "machine_type" {
  description = "Machine type, such as n2-standard-4. Can change in place: the machine is stopped for it."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the machine."
  type        = string
  nullable    = false
}

variable "network" {
  description = "Network of the machine. Unused where subnetwork is given."
  type        = string
  default     = "default"
  nullable    = false
}

variable "opened_snapshot" {
  description = "Snapshot that the machine mounts read-only at /home/jupyter/.snapshots/DATE, from a disk of this size and type; or null."
  type = object({
    name      = string
    date      = string
    size_gb   = number
    disk_type = string
  })
  default = null
}

variable "portal_url" {
  description = "URL of the portal that the machine's agent posts to, or null for none."
  type        = string
  default     = null
}

variable "project" {
  description = "Google Cloud project of the machine."
  type        = string
  nullable    = false
}

variable "run_limit_hours" {
  description = "Hours for which a new machine may run before Google stops it, 0 for no limit."
  type        = number
  default     = 0
  nullable    = false
}

variable "service_account_email" {
  description = "Service account that the machine acts as, or null for none."
  type        = string
  default     = null
}

variable "spot" {
  description = "Whether to run on spare capacity: cheaper, and stopped by Google whenever it needs the capacity."
  type        = bool
  default     = false
  nullable    = false
}

variable "ssh_public_keys" {
  description = "Public keys, in OpenSSH's format, that may log in."
  type        = list(string)
  nullable    = false
}

variable "ssh_username" {
  description = "Account on the machine that the keys log in to. Google's guest agent makes it, with sudo."
  type        = string
  nullable    = false
}

variable "stack_id" {
  description = "The portal's short id of the stack. A data disk that carries another one is a copy, and gets host keys of its own."
  type        = string
  nullable    = false
}

variable "subnetwork" {
  description = "Subnetwork of the machine, or null for the network's own in this region."
  type        = string
  default     = null
}

variable "zone" {
  description = "Zone of the machine: the data disk's."
  type        = string
  nullable    = false
}
