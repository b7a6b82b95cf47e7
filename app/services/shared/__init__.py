"""The shared stack: its settings, secrets, and how it is doing."""
