variable "deletion_protection" {
  description = "Whether the cluster is kept from being deleted. To delete it, apply this as false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the cluster."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "nodes_ip_range" {
  description = "Addresses of the nodes. Like the other two, outside 10.128.0.0/9, where networks such as default live."
  type        = string
  default     = "10.16.0.0/22"
  nullable    = false
}

variable "pods_ip_range" {
  description = "Addresses of the pods: 256 for each node. Another range replaces the cluster."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false
}

variable "pods_service_account" {
  description = "Kubernetes service account, as NAMESPACE/NAME, whose pods act as the service account of the pods."
  type        = string
  default     = "default/stationmaster"
  nullable    = false
}

variable "prefix" {
  description = "Last part of every name."
  type        = string
  nullable    = false
}

variable "project" {
  description = "Google Cloud project of the cluster."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the cluster. Another one replaces it."
  type        = string
  nullable    = false
}

variable "services_ip_range" {
  description = "Addresses of Kubernetes services. Another range replaces the cluster."
  type        = string
  default     = "10.16.16.0/20"
  nullable    = false
}

variable "stack_id" {
  description = "The portal's short id of the stack, for the descriptions."
  type        = string
  nullable    = false
}
