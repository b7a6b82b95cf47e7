"""The HTTP APIs of the emulated cloud."""
