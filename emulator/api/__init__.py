"""HTTP in, the emulated cloud behind."""
