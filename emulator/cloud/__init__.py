"""Changes to the emulated cloud: operations, waits, faults, and data sources."""
