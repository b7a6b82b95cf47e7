"""Measurements, against Terraform by hand on the same root with the same provider: `make bench`."""
