# Terraform checks these on a destroy as well: a rule made stricter later would lock in what was made before it.

variable "accelerator" {
  description = "GPUs to add to an n1 machine, or null: the a and g series have theirs built in."
  type = object({
    type  = string
    count = number
  })
  default = null

  validation {
    condition     = var.accelerator == null || !can(regex("^[ag][2-9]", var.machine_type))
    error_message = "A ${var.machine_type} has its GPU built in: leave accelerator out."
  }

  validation {
    condition = (
      var.accelerator == null || can(regex("^[ag][2-9]", var.machine_type)) || startswith(var.machine_type, "n1-")
    )
    error_message = "A GPU can be added to n1 machines only, not to a ${var.machine_type}."
  }

  validation {
    condition     = var.accelerator == null || try(var.accelerator.type == "nvidia-tesla-t4", false)
    error_message = "The GPU that can be added to an n1 machine is the nvidia-tesla-t4."
  }

  validation {
    condition     = var.accelerator == null || try(contains([1, 2, 4], var.accelerator.count), false)
    error_message = "A machine takes 1, 2 or 4 of these GPUs. For none leave accelerator out: a count of 0 would replace the machine."
  }
}

variable "address_name" {
  description = "Name of the address where it is not NAME-ip: that of one which was taken over. Another name replaces it."
  type        = string
  default     = null

  validation {
    condition     = var.address_name == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.address_name))
    error_message = "A name at Google has at most 63 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "boot_disk_size_gb" {
  description = "Size of the boot disk in GB, at least the image's. It can grow in place; Google refuses a smaller size in the middle of an apply."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.boot_disk_size_gb >= 10 && var.boot_disk_size_gb <= 65536 && floor(var.boot_disk_size_gb) == var.boot_disk_size_gb
    error_message = "The boot disk's size is a whole number of GB from 10 to 65536."
  }
}

variable "boot_image" {
  description = "Image family to boot from, as PROJECT/FAMILY."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.boot_image))
    error_message = "An image is written as PROJECT/FAMILY, such as ubuntu-os-cloud/ubuntu-2404-lts-amd64."
  }
}

variable "boot_snapshot" {
  description = "Snapshot to boot from in place of the image: its name, or projects/PROJECT/global/snapshots/NAME. Null for the image."
  type        = string
  default     = null

  validation {
    condition = (
      var.boot_snapshot == null ||
      can(regex("^(projects/[a-z0-9.:-]+/global/snapshots/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.boot_snapshot))
    )
    error_message = "A snapshot is given by its name, or as projects/PROJECT/global/snapshots/NAME."
  }
}

variable "disk_name" {
  description = "Name of the data disk where it is not NAME-home: that of one which was taken over. Another name replaces it."
  type        = string
  default     = null

  validation {
    condition     = var.disk_name == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.disk_name))
    error_message = "A name at Google has at most 63 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "disk_only" {
  description = "Whether to keep just the data disk: the machine, its attachment and its address go."
  type        = bool
  default     = false
  nullable    = false
}

variable "disk_size_gb" {
  description = "Size of the data disk in GB. It can grow in place; a smaller size replaces the disk, and its data is gone."
  type        = number
  nullable    = false

  validation {
    condition     = var.disk_size_gb >= 10 && var.disk_size_gb <= 65536 && floor(var.disk_size_gb) == var.disk_size_gb
    error_message = "The data disk's size is a whole number of GB from 10 to 65536."
  }
}

variable "disk_snapshot" {
  description = "Name of the snapshot that a new data disk is made from, or null for an empty one. Does nothing to a disk that is there."
  type        = string
  default     = null

  validation {
    condition     = var.disk_snapshot == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.disk_snapshot))
    error_message = "A name at Google has at most 63 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "disk_type" {
  description = "Type of the data disk. Another type replaces the disk, and its data is gone."
  type        = string
  default     = "pd-balanced"
  nullable    = false

  validation {
    condition     = contains(["hyperdisk-balanced", "pd-balanced", "pd-ssd", "pd-standard"], var.disk_type)
    error_message = "A data disk is one of hyperdisk-balanced, pd-balanced, pd-ssd and pd-standard."
  }

  validation {
    condition     = var.disk_only || !can(regex("^[a-z]+4", var.machine_type)) || startswith(var.disk_type, "hyperdisk-")
    error_message = "A ${var.machine_type} takes Hyperdisk only: choose hyperdisk-balanced as disk_type."
  }
}

variable "gpu" {
  description = "Whether the machine has a GPU, added or built in: it is then stopped for Google's maintenance, not moved."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.gpu || var.accelerator != null || !can(regex("^[cehmntxz][0-9]", var.machine_type))
    error_message = "A ${var.machine_type} has no GPU of its own: give accelerator, or set gpu to false."
  }
}

variable "home_on_data_disk" {
  description = "Whether the owner's home folder is kept on the data disk, from the next boot on."
  type        = bool
  default     = false
  nullable    = false
}

variable "machine_type" {
  description = "Machine type, such as n2-standard-4. Can change in place: the machine is stopped for it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+){1,4}$", var.machine_type))
    error_message = "A machine type is written as SERIES-KIND-CPUS, such as n2-standard-4."
  }
}

variable "name" {
  description = "Name of the machine, from which its disk and its address take theirs: WORKSTATION-STACK_ID."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$", var.name))
    error_message = "A name has at most 50 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }

  validation {
    condition     = endswith(var.name, "-${var.stack_id}")
    error_message = "The name ends with a hyphen and the stack's id, so that two workstations never meet at one name."
  }
}

variable "network" {
  description = "Network of the machine: its name, or projects/PROJECT/global/networks/NAME. Unused where subnetwork is given."
  type        = string
  default     = "default"
  nullable    = false

  validation {
    condition     = can(regex("^(projects/[a-z0-9.:-]+/global/networks/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.network))
    error_message = "A network is given by its name, or as projects/PROJECT/global/networks/NAME."
  }
}

variable "opened_snapshot" {
  description = "Snapshot of the data disk that the machine mounts read-only at /home/jupyter/.snapshots/DATE, from a disk of this size and type; or null."
  type = object({
    name      = string
    date      = string
    size_gb   = number
    disk_type = string
  })
  default = null

  validation {
    condition     = var.opened_snapshot == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.opened_snapshot.name))
    error_message = "A name at Google has at most 63 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }

  validation {
    condition     = var.opened_snapshot == null || can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4}$", var.opened_snapshot.date))
    error_message = "The date names a folder and a device: YYYY-MM-DD-HHMM."
  }
}

variable "owner" {
  description = "Whose workstation this is, in the form of a label: grace, or grace_example_com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9_-]{1,63}$", var.owner))
    error_message = "The owner is a label: 1 to 63 lower-case letters, digits, hyphens and underscores."
  }
}

variable "project" {
  description = "Id of the Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "service_account_email" {
  description = "Service account that the machine acts as. Null for none: the machine then has no rights in the project."
  type        = string
  default     = null

  validation {
    condition = (
      var.service_account_email == null ||
      can(regex("^[a-z0-9-]+@[a-z0-9.-]+\\.gserviceaccount\\.com$", var.service_account_email))
    )
    error_message = "A service account is given by its address, which ends with .gserviceaccount.com."
  }
}

variable "spot" {
  description = "Whether to run on spare capacity: cheaper, and stopped by Google whenever it needs the capacity. A change replaces the machine."
  type        = bool
  default     = false
  nullable    = false
}

variable "ssh_public_keys" {
  description = "Public keys, in OpenSSH's format, that may log in. Without one nobody can."
  type        = list(string)
  nullable    = false

  # A line break in a key would be one more key, of whoever wrote it. No keys at all are fine: taking the last one away
  # must lock a machine, and must not stand in the way of its destroy.
  validation {
    condition = alltrue([
      for key in var.ssh_public_keys : can(regex(
        "^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\\.com) [A-Za-z0-9+/]+={0,3}( [^[:cntrl:]]*)?$",
        key
      ))
    ])
    error_message = "A public key is one line in OpenSSH's format, such as: ssh-ed25519 AAAA… grace@laptop."
  }
}

variable "ssh_username" {
  description = "Account on the machine that the keys log in to. Google's guest agent makes it, with sudo."
  type        = string
  nullable    = false

  # jupyter's home would be /home/jupyter: sshd refuses keys from a home that everybody may write to.
  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.ssh_username)) && !contains(["jupyter", "root"], var.ssh_username)
    error_message = "An SSH user name has at most 32 lower-case letters, digits, hyphens and underscores, starts with a letter, and is neither root nor jupyter."
  }
}

variable "stack_id" {
  description = "The portal's short id of this stack: the last part of every name, and a label on everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{6}$", var.stack_id))
    error_message = "A stack id is 6 lower-case letters and digits."
  }
}

variable "subnetwork" {
  description = "Subnetwork of the machine: its name, or projects/PROJECT/regions/REGION/subnetworks/NAME. Null for the network's own."
  type        = string
  default     = null

  validation {
    condition = (
      var.subnetwork == null ||
      can(regex("^(projects/[a-z0-9.:-]+/regions/[a-z0-9-]+/subnetworks/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.subnetwork))
    )
    error_message = "A subnetwork is given by its name, or as projects/PROJECT/regions/REGION/subnetworks/NAME."
  }
}

variable "zone" {
  description = "Zone of the machine and of its disk, such as europe-west4-a. The address is reserved in its region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z][a-z0-9]*$", var.zone))
    error_message = "A zone is written as in europe-west4-a."
  }
}
