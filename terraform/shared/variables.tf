# Terraform checks these on a destroy as well: a rule made stricter later would lock in what was made before it.

variable "authoritative_admins" {
  description = "Whether the admins' role is taken from everybody who is not in iam_admins. Before it is switched off, Terraform has to forget the binding."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.authoritative_admins || length(var.iam_admins) > 0
    error_message = "Without a single admin the project would be nobody's: name at least one in iam_admins."
  }
}

variable "iam_admin_role" {
  description = "Role of the admins in the project."
  type        = string
  default     = "roles/owner"
  nullable    = false

  validation {
    condition     = can(regex("^(roles|projects/[a-z0-9.:-]+/roles)/[a-zA-Z0-9_.]+$", var.iam_admin_role))
    error_message = "A role is written as roles/NAME, or projects/PROJECT/roles/NAME for one of your own."
  }
}

variable "iam_admins" {
  description = "Principals that get the admins' role: user:, group: or serviceAccount: and an address; domain: and a domain for roles other than owner."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for admin in var.iam_admins :
      can(regex("^(user|group|serviceAccount):[^@:\\s]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$", admin)) ||
      can(regex("^domain:[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$", admin))
    ])
    error_message = "An admin is written as user:, group: or serviceAccount: and an address, or as domain: and a domain: user:ada@example.com."
  }

  validation {
    condition     = var.iam_admin_role != "roles/owner" || !anytrue([for admin in var.iam_admins : startswith(admin, "domain:")])
    error_message = "Google makes no domain an owner of a project: name a group: of its people, or choose another iam_admin_role."
  }
}

variable "kubernetes_nodes_ip_range" {
  description = "Addresses of the cluster's nodes. All three ranges stay outside 10.128.0.0/9, where the network default lives."
  type        = string
  default     = "10.16.0.0/22"
  nullable    = false

  validation {
    condition = (
      !strcontains(var.kubernetes_nodes_ip_range, ":") &&
      try(cidrhost(var.kubernetes_nodes_ip_range, 0) == split("/", var.kubernetes_nodes_ip_range)[0], false)
    )
    error_message = "The nodes have a range in CIDR notation, from its first address on, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.kubernetes_nodes_ip_range)[1]) <= 24, false)
    error_message = "The range of the nodes is /24 or larger."
  }
}

variable "kubernetes_pods_ip_range" {
  description = "Addresses of the pods, which MLflow lets in. Another range replaces the cluster."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition = (
      !strcontains(var.kubernetes_pods_ip_range, ":") &&
      try(cidrhost(var.kubernetes_pods_ip_range, 0) == split("/", var.kubernetes_pods_ip_range)[0], false)
    )
    error_message = "The pods have a range in CIDR notation, from its first address on, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.kubernetes_pods_ip_range)[1]) <= 21, false)
    error_message = "The range of the pods is /21 or larger."
  }
}

variable "kubernetes_services_ip_range" {
  description = "Addresses of Kubernetes services. Another range replaces the cluster."
  type        = string
  default     = "10.16.16.0/20"
  nullable    = false

  validation {
    condition = (
      !strcontains(var.kubernetes_services_ip_range, ":") &&
      try(cidrhost(var.kubernetes_services_ip_range, 0) == split("/", var.kubernetes_services_ip_range)[0], false)
    )
    error_message = "The Kubernetes services have a range in CIDR notation, from its first address on, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.kubernetes_services_ip_range)[1]) <= 24, false)
    error_message = "The range of the Kubernetes services is /24 or larger."
  }
}

variable "members" {
  description = "Members by a name that is theirs for good, each with a principal: user:grace@example.com. They may come through IAP and act as the accounts for data and artifacts."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.members) : can(regex("^[a-z_][a-z0-9_-]{0,31}$", name))])
    error_message = "A member's name has at most 32 lower-case letters, digits, hyphens and underscores, and starts with a letter."
  }

  validation {
    condition     = length(distinct([for name in keys(var.members) : substr(sha256(name), 0, 8)])) == length(var.members)
    error_message = "Two members' names have the same digest, so they would share a service account: give one of them another name."
  }

  validation {
    condition = alltrue([
      for principal in values(var.members) : can(regex("^(user|group|serviceAccount):[^@:\\s]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$", principal))
    ])
    error_message = "A member's principal is written as user:, group: or serviceAccount: and an address."
  }
}

variable "mlflow_allowed_ips" {
  description = "Ranges, IPv4 and IPv6, that may reach MLflow."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.mlflow_allowed_ips : try(cidrhost(range, 0) == split("/", range)[0], false)])
    error_message = "A range is written in CIDR notation, from its first address on: 203.0.113.7/32, 203.0.113.0/24 or 2001:db8::/48."
  }

  validation {
    condition     = !anytrue([for range in var.mlflow_allowed_ips : try(tonumber(split("/", range)[1]) < (strcontains(range, ":") ? 16 : 8), false)])
    error_message = "MLflow is never open to everybody: 0.0.0.0/0, ::/0 and all ranges wider than /8 (IPv4) or /16 (IPv6) are refused."
  }
}

variable "mlflow_machine_type" {
  description = "Machine type of MLflow."
  type        = string
  default     = "e2-small"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+){1,4}$", var.mlflow_machine_type))
    error_message = "A machine type is written as SERIES-KIND-CPUS, such as e2-small or e2-standard-2."
  }
}

variable "mlflow_version" {
  description = "Version of MLflow. Null for the one that this version of the stack was tried with."
  type        = string
  default     = null

  validation {
    condition     = var.mlflow_version == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.mlflow_version))
    error_message = "A version of MLflow is three numbers, such as 3.17.2."
  }
}

variable "network" {
  description = "Name of the network that workstations, MLflow and the database are in."
  type        = string
  default     = "default"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.network))
    error_message = "A network is given by its name, such as default."
  }
}

variable "prefix" {
  description = "Last part of every name. Names of buckets are shared with all of Google Cloud, so choose one of your own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,16}[a-z0-9]$", var.prefix))
    error_message = "A prefix has 2 to 18 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
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

variable "region" {
  description = "Region that everything is made in, such as europe-west4."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written as in europe-west4."
  }
}

variable "sql_generation" {
  description = "Number of the database among those that had this prefix. Raise it by one to make a database again after one was deleted: Google refuses the old name for a week. Another one replaces the database, with its data."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.sql_generation >= 1 && floor(var.sql_generation) == var.sql_generation
    error_message = "The database's generation is a whole number, at least 1."
  }
}

variable "sql_tier" {
  description = "Size of the database's machine. It is restarted for a change."
  type        = string
  default     = "db-f1-micro"
  nullable    = false

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.sql_tier))
    error_message = "A size is db-f1-micro, db-g1-small, or db-custom-CPUS-MB such as db-custom-2-7680."
  }
}

variable "sql_user" {
  description = "Name of the user that MLflow comes to the database as."
  type        = string
  default     = "mlflow"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.sql_user)) && !startswith(var.sql_user, "cloudsql") && var.sql_user != "postgres"
    error_message = "A database user has at most 63 lower-case letters, digits and underscores, starts with a letter, and is neither postgres nor one of Google's (cloudsql…)."
  }
}

variable "ssh_allowed_ips" {
  description = "Ranges, IPv4 and IPv6, that may reach workstations by SSH. Google's Identity-Aware Proxy always may."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.ssh_allowed_ips : try(cidrhost(range, 0) == split("/", range)[0], false)])
    error_message = "A range is written in CIDR notation, from its first address on: 203.0.113.7/32, 203.0.113.0/24 or 2001:db8::/48."
  }

  validation {
    condition     = !anytrue([for range in var.ssh_allowed_ips : try(tonumber(split("/", range)[1]) < (strcontains(range, ":") ? 16 : 8), false)])
    error_message = "SSH is never open to everybody: 0.0.0.0/0, ::/0 and all ranges wider than /8 (IPv4) or /16 (IPv6) are refused."
  }
}

variable "stack_id" {
  description = "The portal's short id of this stack: a label, or part of the description, of everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{6}$", var.stack_id))
    error_message = "A stack id is 6 lower-case letters and digits."
  }
}

variable "zone" {
  description = "Zone of MLflow's machine, in the region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z][a-z0-9]*$", var.zone))
    error_message = "A zone is written as in europe-west4-a."
  }

  validation {
    condition     = startswith(var.zone, "${var.region}-")
    error_message = "The zone lies in the region ${var.region}."
  }
}
