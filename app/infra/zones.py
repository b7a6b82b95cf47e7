"""Zones and regions of Google Cloud."""


def region_of(zone: str) -> str:
    """The region of a zone: europe-west4 for europe-west4-a."""
    return zone.rpartition("-")[0]
