"""Bytes a second, in words."""


def rate(value: float) -> str:
    """Such as 12.5 MB/s."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}/s"
    return f"{value:.0f} B/s"
