variable "address_description" {
  description = "Says whose the address is. It is there from the start, while Google sets an address's labels seconds later. Only for a new one."
  type        = string
  default     = null
}

variable "address_name" {
  description = "Name of the address where it is not NAME-ip: that of one which was taken over. Another name replaces it."
  type        = string
  default     = null
}

variable "disk_name" {
  description = "Name of the data disk where it is not NAME-home: that of one which was taken over. Another name replaces it."
  type        = string
  default     = null
}

variable "disk_size_gb" {
  description = "Size of the data disk in GB. It can grow in place; a smaller size replaces the disk."
  type        = number
  nullable    = false
}

variable "disk_snapshot" {
  description = "Name of the snapshot that a new data disk is made from, or null for an empty one."
  type        = string
  default     = null
}

variable "disk_type" {
  description = "Type of the data disk, such as pd-balanced. Another type replaces the disk."
  type        = string
  default     = "pd-balanced"
  nullable    = false
}

variable "labels" {
  description = "Labels of the disk and of the address."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the workstation: the disk is called NAME-home and the address NAME-ip."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project that holds both."
  type        = string
  nullable    = false
}

variable "reserve_address" {
  description = "Whether to keep a static address. Without one just the disk is kept."
  type        = bool
  default     = true
  nullable    = false
}

variable "zone" {
  description = "Zone of the disk. The address is reserved in this zone's region."
  type        = string
  nullable    = false
}
