"""The doctor: what was found of Google, Terraform and the portal, judged."""

from app.services.doctor.diagnosis import SNAPSHOT, acting_as, check, keep, parts_in_use

__all__ = ["SNAPSHOT", "acting_as", "check", "keep", "parts_in_use"]
