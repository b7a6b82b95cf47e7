terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source = "hashicorp/google"
      # One exact version: what was planned in a test is what runs.
      version = "8.7.0"
    }
  }
}
