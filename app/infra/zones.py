"""Zones of Google Cloud, and the regions that they are in."""


def region_of(zone: str) -> str:
    """europe-west4-a is in europe-west4."""
    return zone.rpartition("-")[0]
