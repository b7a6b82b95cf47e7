variable "name" {
  description = "What the two peerings are called, before -there and -back."
  type        = string
  nullable    = false
}

variable "network" {
  description = "One network, as projects/PROJECT/global/networks/NAME."
  type        = string
  nullable    = false
}

variable "peer_network" {
  description = "The other network, in the same form. Their ranges must not overlap."
  type        = string
  nullable    = false
}
