"""The doctor: checks Google, Terraform and the portal for what is missing."""

from app.services.doctor.diagnosis import INSPECTION, acting_as, check, keep, parts_in_use

__all__ = ["INSPECTION", "acting_as", "check", "keep", "parts_in_use"]
