"""The shared stack: settings, passwords, state and IP ranges."""
