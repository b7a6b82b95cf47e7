"""The doctor: checks Google, Terraform and the portal for what is missing."""

from app.services.doctor.diagnosis import SNAPSHOT, acting_as, check, keep, parts_in_use

__all__ = ["SNAPSHOT", "acting_as", "check", "keep", "parts_in_use"]
