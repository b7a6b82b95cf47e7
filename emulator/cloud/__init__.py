"""Every change to the emulated cloud: operations, waits, faults, and what data sources find."""
