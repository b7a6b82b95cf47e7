"""Emulated machines: an SSH server at each machine's own address, and a sandbox for its processes and files."""
