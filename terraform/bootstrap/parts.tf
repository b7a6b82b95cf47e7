# What each part of the infrastructure needs. `stationmaster doctor` checks the same: app/services/doctor/google_needs.py.
locals {
  base = {
    # cloudbilling is for the doctor alone, iamcredentials for whoever acts as a service account without a key.
    apis  = ["cloudbilling", "cloudresourcemanager", "compute", "iam", "iamcredentials", "secretmanager", "serviceusage"]
    roles = ["roles/compute.admin"]
  }

  parts = {
    access = {
      apis  = []
      roles = ["roles/iam.serviceAccountAdmin", "roles/resourcemanager.projectIamAdmin", "roles/serviceusage.serviceUsageAdmin"]
    }
    storage = {
      apis  = ["storage"]
      roles = ["roles/storage.admin"]
    }
    registries = {
      apis  = ["artifactregistry"]
      roles = ["roles/artifactregistry.admin"]
    }
    sql = {
      apis  = ["servicenetworking", "sqladmin"]
      roles = ["roles/cloudsql.admin", "roles/secretmanager.admin", "roles/servicenetworking.networksAdmin"]
    }
    mlflow = {
      apis  = ["servicenetworking", "sqladmin", "storage"]
      roles = ["roles/iam.serviceAccountUser"]
    }
    kubernetes = {
      apis  = ["container"]
      roles = ["roles/container.admin", "roles/iam.serviceAccountUser"]
    }
  }

  chosen = concat([local.base], [for name, part in local.parts : part if contains(var.shared_parts, name)])
  apis   = toset(flatten([for part in local.chosen : part.apis]))
  roles  = toset(flatten([for part in local.chosen : part.roles]))
}
