# What each part of the infrastructure needs. `stationmaster doctor` checks the same: app/services/doctor/google_needs.py.
locals {
  base = {
    # cloudbilling is for the doctor, and for data.google_project (services.tf), which reads it as well; iamcredentials
    # for whoever acts as a service account without a key.
    apis  = ["cloudbilling", "cloudresourcemanager", "compute", "iam", "iamcredentials", "secretmanager", "serviceusage"]
    roles = ["roles/compute.admin"]
  }

  parts = {
    # Comes with every other part: the firewall, service accounts and grants are made in any case. Machines act as these
    # accounts, so the worker needs to be let act as them.
    access = {
      apis = []
      roles = [
        "roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountUser", "roles/resourcemanager.projectIamAdmin",
        "roles/serviceusage.serviceUsageAdmin",
      ]
    }
    storage = {
      apis  = ["storage"]
      roles = ["roles/storage.admin"]
    }
    registries = {
      apis  = ["artifactregistry"]
      roles = ["roles/artifactregistry.admin"]
    }
    keys = {
      apis  = []
      roles = ["roles/iam.serviceAccountKeyAdmin", "roles/secretmanager.admin"]
    }
    sql = {
      apis  = ["servicenetworking", "sqladmin"]
      roles = ["roles/cloudsql.admin", "roles/secretmanager.admin", "roles/servicenetworking.networksAdmin"]
    }
    mlflow = {
      apis  = ["storage"]
      roles = ["roles/secretmanager.admin", "roles/storage.admin"]
    }
    kubernetes = {
      apis  = ["container"]
      roles = ["roles/container.admin"]
    }
  }

  names  = length(var.shared_parts) > 0 ? setunion(var.shared_parts, ["access"]) : []
  chosen = concat([local.base], [for name, part in local.parts : part if contains(local.names, name)])
  apis   = toset(flatten([for part in local.chosen : part.apis]))
  roles  = toset(flatten([for part in local.chosen : part.roles]))
}
