# The portal gives these by environment, at plan and at apply, and in no file. They are in no state and no plan.

variable "mlflow_admin_password" {
  description = "Password of MLflow's admin."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = !var.deploy_mlflow || var.mlflow_admin_password != null
    error_message = "The password of MLflow's admin is missing: give it as TF_VAR_mlflow_admin_password."
  }

  validation {
    condition     = var.mlflow_admin_password == null || try(can(regex("^[!-~]{12,128}$", var.mlflow_admin_password)), false)
    error_message = "The password of MLflow's admin has 12 to 128 characters: letters, digits and signs, no spaces."
  }
}

variable "mlflow_member_password" {
  description = "Password that members log experiments with."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = !var.deploy_mlflow || var.mlflow_member_password != null
    error_message = "The password of MLflow's members is missing: give it as TF_VAR_mlflow_member_password."
  }

  validation {
    condition     = var.mlflow_member_password == null || try(can(regex("^[!-~]{12,128}$", var.mlflow_member_password)), false)
    error_message = "The password of MLflow's members has 12 to 128 characters: letters, digits and signs, no spaces."
  }
}

variable "mlflow_secret_key" {
  description = "Key that signs the sessions of MLflow."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = !var.deploy_mlflow || var.mlflow_secret_key != null
    error_message = "The secret key of MLflow is missing: give it as TF_VAR_mlflow_secret_key."
  }

  validation {
    condition     = var.mlflow_secret_key == null || try(can(regex("^[!-~]{12,128}$", var.mlflow_secret_key)), false)
    error_message = "The secret key of MLflow has 12 to 128 characters: letters, digits and signs, no spaces."
  }
}

variable "secrets_version" {
  description = "Number of the secrets: raise it to write other passwords, and other keys."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "The secrets' version is a whole number, at least 1."
  }
}

variable "sql_password" {
  description = "Password of the database's user."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = !(var.deploy_sql) || var.sql_password != null
    error_message = "The password of the database is missing: give it as TF_VAR_sql_password."
  }

  validation {
    condition     = var.sql_password == null || try(can(regex("^[!-~]{12,128}$", var.sql_password)), false)
    error_message = "The password of the database has 12 to 128 characters: letters, digits and signs, no spaces."
  }
}
